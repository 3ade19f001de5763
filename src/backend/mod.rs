//! Where traces are read: Jaeger, Tempo, files, the embedded receiver; and `settle`, which says when one may be judged.

pub mod file;
