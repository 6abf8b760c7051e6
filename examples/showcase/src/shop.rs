//! A shop with everything that a service needs around its tools: scopes, rate limits, kept results, idempotency, progress
//! and batching. None of it is code of this file beyond a word where it is wanted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::try_join_all;
use wharf::{
    Batcher, CachePolicy, Handle, Json, Loaded, Progress, Rate, Server, State, Tool, ToolError,
    tool,
};

/// What all calls share: the stock, and a batcher that asks for many prices at once.
#[derive(Clone)]
struct Shop {
    stock: Arc<Mutex<HashMap<String, u32>>>,
    prices: Batcher<String, u32>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Offer {
    /// In cents.
    total: u32,
}

/// The total price of some articles.
#[tool(read_only, cache = CachePolicy::ttl(Duration::from_secs(60)).tag("prices"))]
async fn quote(
    /// Articles such as "rope" or "anchor".
    #[arg(min_items = 1, max_items = 50)]
    articles: Vec<String>,
    State(shop): State<Shop>,
    progress: Progress,
) -> Result<Json<Offer>, ToolError> {
    progress.report_of(0.0, 1.0, "asking for the prices").await;
    let prices = articles.into_iter().map(|article| shop.prices.load(article));
    let total = try_join_all(prices).await?.into_iter().sum();
    progress.report_of(1.0, 1.0, None).await;
    Ok(Json(Offer { total }))
}

/// Take one article out of the stock. The same order twice is one order.
#[tool(scopes("orders:write"), idempotent_by = "order", destructive = true)]
async fn order(
    /// A name that the buyer gives the order.
    #[arg(min_length = 1, max_length = 64)]
    order: String,
    article: String,
    State(shop): State<Shop>,
    server: Handle,
) -> Result<String, ToolError> {
    let mut stock = shop.stock.lock().unwrap_or_else(PoisonError::into_inner);
    match stock.get_mut(&article).filter(|left| **left > 0) {
        Some(left) => *left -= 1,
        None => return Err(ToolError::conflict("there is none left; order something else")),
    }
    server.invalidate_tag("prices");
    Ok(format!("{order}: one {article}"))
}

/// The server.
pub fn server() -> Server {
    let prices = Batcher::new(|articles: Vec<String>| async move {
        // One request to wherever prices are kept, for all articles that are asked for at the moment.
        let price = |article: &String| match article.as_str() {
            "rope" => Ok(500),
            "anchor" => Ok(12_000),
            _ => Err(ToolError::not_found("there is no such article; try rope or anchor")),
        };
        Loaded::Ok(articles.iter().map(|article| (article.clone(), price(article))).collect())
    });
    let stock = [("rope".to_owned(), 3), ("anchor".to_owned(), 1)].into();
    Server::new("shop", "1.0.0")
        .state(Shop { stock: Arc::new(Mutex::new(stock)), prices })
        .rate_limit_per_caller(Rate::per_minute(600))
        .tool(quote)
        .tool(Tool::of(order).configure(|tool| tool.rate_limit(Rate::per_minute(60))))
}
