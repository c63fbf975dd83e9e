//! Files of vectors: tables of comma-separated values, and JSON whose every absence is an error that names the file.

use std::path::PathBuf;
use std::str::FromStr;

use serde_json::Value;

use crate::calibration::data::{DataError, Table};

/// A file of vectors, or a part of one.
pub struct Vectors {
    path: PathBuf,
    content: Content,
}

enum Content {
    Json(Value),
    Table(Table),
}

impl Vectors {
    /// Reads a file: JSON by its name, else a table.
    ///
    /// # Errors
    /// If it cannot be read, or is not JSON.
    pub fn open(path: PathBuf) -> Result<Self, DataError> {
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let content = if is_json {
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(source) => return Err(DataError::Io { path, source }),
            };
            match serde_json::from_str(&text) {
                Ok(value) => Content::Json(value),
                Err(reason) => {
                    return Err(DataError::Json {
                        path,
                        reason: reason.to_string(),
                    });
                }
            }
        } else {
            Content::Table(Table::csv(path.clone())?)
        };
        Ok(Self { path, content })
    }

    /// The cells of a column of a table.
    ///
    /// # Errors
    /// If this is not a table, or has no such column.
    pub fn column(&self, name: &str) -> Result<&[String], DataError> {
        match &self.content {
            Content::Table(table) => table.text(name),
            Content::Json(_) => Err(self.wrong(format!("it has no column `{name}`"))),
        }
    }

    /// The numbers of a column of a table.
    ///
    /// # Errors
    /// If this is not a table, has no such column, or a cell is something else.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>, DataError> {
        match &self.content {
            Content::Table(table) => table.numbers(name),
            Content::Json(_) => Err(self.wrong(format!("it has no column `{name}`"))),
        }
    }

    /// The cells of a column, read as what is wanted.
    ///
    /// # Errors
    /// If this is not a table, has no such column, or a cell is something else.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Vec<T>, DataError> {
        let cells = self.column(name)?.iter().enumerate();
        cells
            .map(|(row, cell)| {
                cell.parse().map_err(|_| DataError::Number {
                    path: self.path.clone(),
                    line: row + 2,
                    column: name.to_owned(),
                    value: cell.clone(),
                })
            })
            .collect()
    }

    /// Names of an object's entries; none for anything else.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        match &self.content {
            Content::Json(Value::Object(entries)) => entries.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The entry at a path of keys, such as `inflation.expected`.
    ///
    /// # Errors
    /// If there is none.
    pub fn at(&self, path: &str) -> Result<Self, DataError> {
        let mut value = self.value()?;
        for key in path.split('.') {
            value = value
                .get(key)
                .ok_or_else(|| self.wrong(format!("there is no `{path}`")))?;
        }
        Ok(self.part(value))
    }

    /// The entry of this name, which may have points in it.
    ///
    /// # Errors
    /// If there is none.
    pub fn key(&self, key: &str) -> Result<Self, DataError> {
        let value = self.value()?.get(key);
        let value = value.ok_or_else(|| self.wrong(format!("there is no `{key}`")))?;
        Ok(self.part(value))
    }

    /// True or false.
    ///
    /// # Errors
    /// If this is neither.
    pub fn flag(&self) -> Result<bool, DataError> {
        self.value()?
            .as_bool()
            .ok_or_else(|| self.expected("true or false"))
    }

    /// Whether there is an entry of this name that is not null.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        let value = self.value().ok().and_then(|value| value.get(key));
        value.is_some_and(|value| !value.is_null())
    }

    /// The items of a list.
    ///
    /// # Errors
    /// If this is not one.
    pub fn items(&self) -> Result<Vec<Self>, DataError> {
        let items = self.value()?.as_array();
        let items = items.ok_or_else(|| self.expected("a list"))?;
        Ok(items.iter().map(|item| self.part(item)).collect())
    }

    /// A number.
    ///
    /// # Errors
    /// If this is not one.
    pub fn number(&self) -> Result<f64, DataError> {
        self.value()?
            .as_f64()
            .ok_or_else(|| self.expected("a number"))
    }

    /// An integer, as a number or as a text of digits.
    ///
    /// # Errors
    /// If this is not one.
    pub fn whole(&self) -> Result<i128, DataError> {
        let value = self.value()?;
        let small = value.as_i64().map(i128::from);
        let whole = small
            .or_else(|| value.as_u64().map(i128::from))
            .or_else(|| value.as_str()?.parse().ok());
        whole.ok_or_else(|| self.expected("an integer"))
    }

    /// An integer that is not negative.
    ///
    /// # Errors
    /// If this is not one.
    pub fn count(&self) -> Result<u64, DataError> {
        u64::try_from(self.whole()?).map_err(|_| self.expected("a count"))
    }

    /// A text.
    ///
    /// # Errors
    /// If this is not one.
    pub fn text(&self) -> Result<&str, DataError> {
        self.value()?
            .as_str()
            .ok_or_else(|| self.expected("a text"))
    }

    /// The integers of a list.
    ///
    /// # Errors
    /// If this is not one, or an item is something else.
    pub fn wholes(&self) -> Result<Vec<i128>, DataError> {
        self.items()?.iter().map(Self::whole).collect()
    }

    fn part(&self, value: &Value) -> Self {
        Self {
            path: self.path.clone(),
            content: Content::Json(value.clone()),
        }
    }

    fn value(&self) -> Result<&Value, DataError> {
        match &self.content {
            Content::Json(value) => Ok(value),
            Content::Table(_) => Err(self.wrong("it is a table".to_owned())),
        }
    }

    fn expected(&self, what: &str) -> DataError {
        let found = self.value().map(Value::to_string).unwrap_or_default();
        let found: String = found.chars().take(60).collect();
        self.wrong(format!("`{found}` is not {what}"))
    }

    fn wrong(&self, reason: String) -> DataError {
        DataError::Json {
            path: self.path.clone(),
            reason,
        }
    }
}
