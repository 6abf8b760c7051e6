//! The example `notes` as a program.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    showcase::run(showcase::notes::server()).await
}
