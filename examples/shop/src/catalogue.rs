//! What the shop sells.

/// One product.
pub(crate) struct Product {
    pub(crate) sku: &'static str,
    pub(crate) name: &'static str,
    pub(crate) price_cents: i64,
    /// Units on each of the warehouse's shelves.
    pub(crate) per_shelf: i64,
}

/// The warehouse's shelves; every product has its place on each.
pub(crate) const SHELVES: i64 = 12;

/// All products. The last one is never in stock.
pub(crate) const PRODUCTS: [Product; 5] = [
    product("LAPTOP-1", "Laptop 14 inch", 129_900, 1_000_000),
    product("MOUSE-2", "Wireless mouse", 2_450, 1_000_000),
    product("KEYBOARD-3", "Keyboard", 7_900, 1_000_000),
    product("MONITOR-4", "Monitor 27 inch", 31_900, 1_000_000),
    product("CONSOLE-5", "Game console", 49_900, 0),
];

const fn product(sku: &'static str, name: &'static str, price_cents: i64, per_shelf: i64) -> Product {
    Product { sku, name, price_cents, per_shelf }
}

/// The product with this stock keeping unit.
pub(crate) fn find(sku: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.sku == sku)
}
