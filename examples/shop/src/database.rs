//! inventory-service's database: SQLite inside the process, and a CLIENT span for every query by the database
//! semantic conventions.

use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use rusqlite::{Connection, ErrorCode, params};

use crate::Error;
use crate::catalogue::{PRODUCTS, SHELVES};
use crate::spans::{self, Beginning};

const NAMESPACE: &str = "inventory";

const SCHEMA: &str = "
    CREATE TABLE products (
        sku TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        price_cents INTEGER NOT NULL
    );
    CREATE TABLE shelf_stock (
        sku TEXT NOT NULL REFERENCES products (sku),
        shelf INTEGER NOT NULL,
        on_hand INTEGER NOT NULL,
        reserved INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (sku, shelf)
    );";

/// A query and what the conventions say of it.
struct Query {
    text: &'static str,
    operation: &'static str,
    collection: &'static str,
    summary: &'static str,
}

const LIST_PRODUCTS: Query = Query {
    text: "SELECT sku, name, price_cents FROM products ORDER BY sku",
    operation: "SELECT",
    collection: "products",
    summary: "SELECT products",
};

const ALL_SHELVES: Query = Query {
    text: "SELECT shelf, on_hand - reserved FROM shelf_stock WHERE sku = ?1 ORDER BY shelf",
    operation: "SELECT",
    collection: "shelf_stock",
    summary: "SELECT shelf_stock",
};

const ONE_SHELF: Query = Query {
    text: "SELECT shelf, on_hand - reserved FROM shelf_stock WHERE sku = ?1 AND shelf = ?2",
    operation: "SELECT",
    collection: "shelf_stock",
    summary: "SELECT shelf_stock",
};

const BOOK: Query = Query {
    text: "UPDATE shelf_stock SET reserved = reserved + ?3 WHERE sku = ?1 AND shelf = ?2",
    operation: "UPDATE",
    collection: "shelf_stock",
    summary: "UPDATE shelf_stock",
};

/// What came of a wish to reserve.
pub(crate) enum Reservation {
    Booked { shelf: i64 },
    OutOfStock,
    UnknownSku,
}

/// The database; one writer at a time, as SQLite has it.
pub(crate) struct Database {
    connection: Mutex<Connection>,
}

impl Database {
    /// A fresh database with the catalogue in it.
    pub(crate) fn open() -> Result<Self, Error> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(SCHEMA)?;
        for product in &PRODUCTS {
            connection.execute(
                "INSERT INTO products (sku, name, price_cents) VALUES (?1, ?2, ?3)",
                params![product.sku, product.name, product.price_cents],
            )?;
            for shelf in 1..=SHELVES {
                connection.execute(
                    "INSERT INTO shelf_stock (sku, shelf, on_hand) VALUES (?1, ?2, ?3)",
                    params![product.sku, shelf, product.per_shelf],
                )?;
            }
        }
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// SKU, name and price of every product.
    pub(crate) fn products(&self, cx: &Context) -> rusqlite::Result<Vec<(String, String, i64)>> {
        let connection = self.connection();
        traced(cx, &LIST_PRODUCTS, &[], || {
            connection
                .prepare_cached(LIST_PRODUCTS.text)?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
    }

    /// Books `qty` units on the fullest shelf, if all shelves together hold that many; pickers level the shelves
    /// overnight. `shelf_by_shelf` asks for each shelf alone, the way an object mapper with lazy loading does.
    pub(crate) fn reserve(
        &self,
        cx: &Context,
        sku: &str,
        qty: i64,
        shelf_by_shelf: bool,
    ) -> rusqlite::Result<Reservation> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let shelves = if shelf_by_shelf {
            let mut shelves = Vec::new();
            for shelf in 1..=SHELVES {
                shelves.extend(one_shelf(cx, &transaction, sku, shelf)?);
            }
            shelves
        } else {
            all_shelves(cx, &transaction, sku)?
        };
        // On equal terms the first shelf: a smaller number is nearer to the door.
        let fullest = shelves.iter().max_by_key(|(shelf, free)| (*free, -*shelf)).copied();
        let Some((shelf, _)) = fullest else {
            return Ok(Reservation::UnknownSku);
        };
        if shelves.iter().map(|(_, free)| free).sum::<i64>() < qty {
            return Ok(Reservation::OutOfStock);
        }
        traced(cx, &BOOK, &[sku, &shelf.to_string()], || {
            transaction.prepare_cached(BOOK.text)?.execute(params![sku, shelf, qty])
        })?;
        transaction.commit()?;
        Ok(Reservation::Booked { shelf })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic cannot leave half a transaction behind: dropping it rolls back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn all_shelves(cx: &Context, connection: &Connection, sku: &str) -> rusqlite::Result<Vec<(i64, i64)>> {
    traced(cx, &ALL_SHELVES, &[sku], || {
        connection.prepare_cached(ALL_SHELVES.text)?.query_map([sku], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    })
}

fn one_shelf(cx: &Context, connection: &Connection, sku: &str, shelf: i64) -> rusqlite::Result<Vec<(i64, i64)>> {
    traced(cx, &ONE_SHELF, &[sku, &shelf.to_string()], || {
        connection
            .prepare_cached(ONE_SHELF.text)?
            .query_map(params![sku, shelf], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    })
}

fn traced<T>(
    cx: &Context,
    query: &Query,
    parameters: &[&str],
    run: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let mut attributes = vec![
        KeyValue::new("db.system.name", "sqlite"),
        KeyValue::new("db.namespace", NAMESPACE),
        KeyValue::new("db.operation.name", query.operation),
        KeyValue::new("db.collection.name", query.collection),
        KeyValue::new("db.query.text", query.text),
        KeyValue::new("db.query.summary", query.summary),
    ];
    for (index, value) in parameters.iter().enumerate() {
        let key = format!("db.query.parameter.{index}");
        attributes.push(KeyValue::new(key, (*value).to_owned()));
    }
    let cx = spans::begin(
        cx,
        Beginning { scope: "shop.sqlite", name: query.summary.into(), kind: SpanKind::Client, attributes },
    );
    let result = run();
    if let Err(error) = &result {
        let code = error.sqlite_error_code().unwrap_or(ErrorCode::Unknown);
        spans::fail(&cx, format!("{code:?}"), error.to_string());
    }
    cx.span().end();
    result
}
