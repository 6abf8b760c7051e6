//! Asks the person behind the client: a typed form, a yes or no, and an effect between questions that happens once. The
//! same function serves clients that are asked by a request (before 2026-07-28) and those that get the question as a result and
//! call again with the answer, from which it runs again from its first line.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use wharf::{Answer, Ask, Server, State, Tool, ToolError, tool};

/// How many tables were reserved; stands for a system that must not be told twice.
#[derive(Clone, Default)]
pub struct Reservations(Arc<AtomicU32>);

impl Reservations {
    /// How many there are.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    async fn reserve(&self, _wish: &Wish) -> Result<u32, ToolError> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// What the person wishes; the form is made of it.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Wish {
    /// How many persons come
    #[schemars(range(min = 1, max = 12))]
    persons: u8,
    /// On which day
    day: Day,
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Day {
    Friday,
    Saturday,
}

/// The server, which reserves in `reservations`.
pub fn server(reservations: Reservations) -> Server {
    // A type that can't be shown as a form is found when the server is built.
    let book_table = Tool::of(book_table).configure(|tool| tool.asks::<Wish>());
    Server::new("asking", "1.0.0").state(reservations).tool(book_table)
}

/// Book a table; asks the person for what is missing.
#[tool(open_world = false)]
async fn book_table(
    /// Whether the person has agreed already; they are asked otherwise.
    #[arg(default)]
    agreed: bool,
    ask: Ask,
    State(reservations): State<Reservations>,
) -> Result<String, ToolError> {
    let wish = match ask.form::<Wish>("wish", "What kind of table do you wish?").await? {
        Answer::Accepted(wish) => wish,
        // Declining and closing the form are answers, not failures.
        _ => return Ok("Nothing was booked.".to_owned()),
    };
    let question = format!("Book a table for {} on {:?}?", wish.persons, wish.day);
    // A client that can't be asked is told to pass `agreed` instead.
    if !agreed && !ask.confirm("agreed", question).or_argument("agreed").await?.is_yes() {
        return Ok("Nothing was booked.".to_owned());
    }
    let number = ask.once("reserve", reservations.reserve(&wish)).await?;
    // The answer to this brings some clients back to the first line; the table is not reserved a second time.
    let places = [("inside", "Inside"), ("garden", "In the garden")];
    let place = ask.choose("place", "Where would you like to sit?", &places).await?;
    let place = place.accepted().unwrap_or_else(|| "inside".to_owned());
    Ok(format!("Table {number} for {} is booked, {place}.", wish.persons))
}
