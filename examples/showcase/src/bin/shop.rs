//! The example `shop` as a program.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    showcase::run(showcase::shop::server()).await
}
