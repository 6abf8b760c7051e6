//! The example `asking` as a program.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    showcase::run(showcase::asking::server(Default::default())).await
}
