//! What an analysis found, as it is told.
//!
//! Each figure says what it stands on: the whole table, or the rows of the sample.

use serde::Serialize;

use super::AnalysisType;
use super::dialect::Method;
use super::progress::Stage;
use super::sample::column::NotFinite;
use super::stats::outliers::Outliers;
use super::time::calendar::Period;
use super::time::series::{Gap, Season, Trend};
use crate::catalog::{RowCount, TableKind};
use crate::result::Cell;

/// Everything that the completed stages found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<Table>,
    pub(crate) analysis_type: AnalysisType,
    pub(crate) completed_stages: Vec<Stage>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sample: Option<SampleReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<Quality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keys: Option<Keys>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) columns: Vec<ColumnReport>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) columns_left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlation: Option<Correlation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_series: Option<TimeSeries>,
    pub(crate) elapsed_ms: u64,
}

impl Report {
    pub(crate) fn new(analysis_type: AnalysisType) -> Self {
        Self {
            table: None,
            analysis_type,
            completed_stages: Vec::new(),
            findings: Vec::new(),
            sample: None,
            quality: None,
            keys: None,
            columns: Vec::new(),
            columns_left_out: 0,
            correlation: None,
            time_series: None,
            elapsed_ms: 0,
        }
    }

    /// The stage that comes next, which is the one that failed if one did.
    pub(crate) fn next_stage(&self) -> Stage {
        Stage::ALL.get(self.completed_stages.len()).copied().unwrap_or(Stage::Report)
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    pub(crate) kind: TableKind,
    pub(crate) column_count: usize,
    /// Columns that may not be read, which nothing here is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unreadable_columns: Vec<String>,
}

/// What the figures stand on.
#[derive(Debug, Serialize)]
pub(crate) struct SampleReport {
    /// Rows of the table.
    #[serde(flatten)]
    pub(crate) population: RowCount,
    /// Rows that were read.
    pub(crate) rows: usize,
    /// The share of the table that was read, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fraction: Option<f64>,
    pub(crate) method: Method,
    /// What to know about the method.
    pub(crate) note: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_early_by: Option<&'static str>,
    /// Some texts are longer than this many characters, and were compared by so many only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compared_by_characters: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ColumnReport {
    pub(crate) name: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub(crate) declared_type: String,
    /// What the values are.
    pub(crate) holds: &'static str,
    pub(crate) nulls: usize,
    pub(crate) distinct: Distinct,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<ValueRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standard_deviation: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantiles: Option<Quantiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_finite: Option<NotFinite>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) top_values: Vec<TopValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outliers: Option<Outliers>,
    /// Values that were cut before they were compared.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) cut_values: usize,
}

/// How many distinct values a column has, NULL apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Distinct {
    /// All rows were read.
    Exact { exact: usize },
    /// Counted in the sample, estimated for the table.
    Estimated { in_sample: usize, estimate: u64, method: &'static str },
    /// Counted in the sample; how large the table is is not known.
    InSample { in_sample: usize },
}

#[derive(Debug, Serialize)]
pub(crate) struct ValueRange {
    pub(crate) min: Cell,
    pub(crate) max: Cell,
    /// `table`: exact. `sample`: of the rows read.
    pub(crate) of: &'static str,
}

/// Values that occur (`percentile_disc`), of the rows read.
#[derive(Debug, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p5: Cell,
    pub(crate) p25: Cell,
    pub(crate) p50: Cell,
    pub(crate) p75: Cell,
    pub(crate) p95: Cell,
}

#[derive(Debug, Serialize)]
pub(crate) struct TopValue {
    pub(crate) value: Cell,
    pub(crate) count: usize,
}

/// Sets of columns whose values occur once.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Keys {
    /// Which the database enforces.
    pub(crate) declared: Vec<Vec<String>>,
    /// Which are unique in the rows read, and no more is known.
    pub(crate) inferred: Vec<Vec<String>>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Quality {
    /// From 0 to 100; `None` without rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<f64>,
    pub(crate) score_parts: Vec<ScorePart>,
    pub(crate) duplicate_rows: usize,
    /// Rows that differ from another one in the primary key only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duplicates_apart_from_key: Option<usize>,
    pub(crate) issues: Vec<Issue>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) issues_left_out: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) references: Vec<Reference>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ScorePart {
    pub(crate) part: &'static str,
    /// From 0 to 1.
    pub(crate) value: f64,
    pub(crate) weight: u32,
    pub(crate) why: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Issue {
    pub(crate) column: String,
    pub(crate) what: &'static str,
    /// Rows of the sample.
    pub(crate) rows: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) examples: Vec<Cell>,
}

/// A foreign key, and the rows whose reference leads nowhere.
#[derive(Debug, Serialize)]
pub(crate) struct Reference {
    pub(crate) columns: Vec<String>,
    pub(crate) references: String,
    /// Rows with a reference that were looked at; `None` where that was not possible.
    pub(crate) rows_checked: Option<u64>,
    pub(crate) orphans: u64,
    /// Whether these were all rows.
    pub(crate) complete: bool,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Correlation {
    /// The strongest first.
    pub(crate) numeric: Vec<NumericPair>,
    /// The strongest first.
    pub(crate) categories: Vec<CategoryPair>,
    pub(crate) columns_compared: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) columns_left_out: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) pairs_left_out: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct NumericPair {
    pub(crate) columns: [String; 2],
    /// Rows where both have a value.
    pub(crate) rows: usize,
    pub(crate) pearson: Option<f64>,
    pub(crate) spearman: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CategoryPair {
    pub(crate) columns: [String; 2],
    pub(crate) rows: usize,
    pub(crate) cramers_v: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct TimeSeries {
    pub(crate) column: String,
    /// Other columns that hold times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) other_columns: Vec<String>,
    /// What the values are precise to.
    pub(crate) resolution: Period,
    /// What rows are counted by.
    pub(crate) period: Period,
    pub(crate) first: String,
    pub(crate) last: String,
    /// `table`: all rows were counted. `sample`: those that were read.
    pub(crate) counts_of: &'static str,
    /// Rows in each period from the first on.
    pub(crate) counts: Vec<u64>,
    pub(crate) gap_count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) gaps: Vec<Gap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trend: Option<Trend>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) season: Option<Season>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
