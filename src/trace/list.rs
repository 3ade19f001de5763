//! A list in one word.

use std::ops::Deref;

/// A list that takes one word where it is kept, so that a [`Value`](super::Value), which seldom is one, takes two. Read as a slice.
#[derive(Debug, Clone, PartialEq)]
pub struct List<T>(Box<Box<[T]>>);

impl<T> List<T> {
    /// Its items.
    pub fn into_vec(self) -> Vec<T> {
        (*self.0).into_vec()
    }
}

impl<T> Deref for List<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> List<T> {
        List(Box::new(items.into_iter().collect()))
    }
}

impl<T> From<Box<[T]>> for List<T> {
    fn from(items: Box<[T]>) -> List<T> {
        List(Box::new(items))
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> List<T> {
        items.into_boxed_slice().into()
    }
}

impl<T: Clone> From<&[T]> for List<T> {
    fn from(items: &[T]) -> List<T> {
        items.to_vec().into()
    }
}

impl<T, const N: usize> From<[T; N]> for List<T> {
    fn from(items: [T; N]) -> List<T> {
        Vec::from(items).into()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
