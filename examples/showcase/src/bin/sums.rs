//! The example `sums` as a program.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    showcase::run(showcase::sums::server()).await
}
