//! The database server alone over its sample, on stdin and stdout: what its tests start as a process.

use std::time::Duration;

use wharf::{
    Caller,
    transport::{Shutdown, stdio},
};
use wharf_database::{
    Databases,
    sqlite::{Database, SqliteSettings},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let databases = Databases::one("sample", Database::open(SqliteSettings::sample())?)?;
    let service = wharf_database::server(databases).build()?;
    stdio::serve(&service, Caller::local(), &Shutdown::on_signals(Duration::from_secs(5))?).await?;
    Ok(())
}
