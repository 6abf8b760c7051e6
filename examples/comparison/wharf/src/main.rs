//! The comparison's server on stdin and stdout.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    comparison_wharf::serve().await
}
