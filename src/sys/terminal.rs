//! Whether stdout and stderr are terminals, their size, and whether lines can be overwritten. It writes nothing.

use std::io::IsTerminal as _;

use super::environment::variable;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Terminal {
    /// A pipe or a file. The output does not depend on a width.
    #[default]
    None,
    /// The terminal at stdout. Its size may change.
    Stdout {
        /// Whether it can move the cursor.
        moves_cursor: bool,
        colors: bool,
    },
    /// A terminal of this size, without colors.
    Sized(Size),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

impl Terminal {
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        if stdout.is_terminal() {
            Self::Stdout {
                moves_cursor: !is_dumb(),
                colors: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            }
        } else {
            Self::None
        }
    }

    /// Returns the current size, if it is known.
    pub(crate) fn size(self) -> Option<Size> {
        match self {
            Self::None => None,
            Self::Stdout { .. } => {
                let (width, height) = terminal_size::terminal_size_of(std::io::stdout())?;
                Some(Size {
                    columns: width.0.into(),
                    rows: height.0.into(),
                })
            }
            Self::Sized(size) => Some(size),
        }
    }

    pub fn can_overwrite(self) -> bool {
        match self {
            Self::None => false,
            Self::Stdout { moves_cursor, .. } => moves_cursor && self.size().is_some(),
            Self::Sized(_) => true,
        }
    }

    pub(crate) fn has_colors(self) -> bool {
        matches!(self, Self::Stdout { colors: true, .. })
    }
}

/// Returns a function for the current size of stderr, if stderr is a terminal whose lines can be overwritten.
pub fn of_stderr() -> Option<fn() -> Size> {
    fn size() -> Size {
        let size = terminal_size::terminal_size_of(std::io::stderr());
        size.map_or(
            Size {
                columns: 0,
                rows: 0,
            },
            |(width, height)| Size {
                columns: width.0.into(),
                rows: height.0.into(),
            },
        )
    }
    (!is_dumb() && std::io::stderr().is_terminal() && size().rows > 0).then_some(size)
}

/// Returns whether `TERM` says that the terminal cannot move the cursor.
fn is_dumb() -> bool {
    variable("TERM").is_none_or(|term| term == "dumb")
}
