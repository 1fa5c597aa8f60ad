//! The terminals that stdout and stderr may be: how large they are, and whether text can be written over. It writes nothing.

use std::io::IsTerminal as _;

use super::environment::variable;

/// Where the output is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Terminal {
    /// No terminal: a pipe, a file. What is written there is the same everywhere.
    #[default]
    None,
    /// The terminal at stdout, whose size may change.
    Stdout {
        /// Whether it understands how to move the cursor.
        moves: bool,
        colors: bool,
    },
    /// One that is as large as this and shows no colors.
    Sized(Size),
}

/// How large a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    pub rows: usize,
}

impl Terminal {
    /// The one at stdout, if there is one.
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        if stdout.is_terminal() {
            Self::Stdout {
                moves: !is_dumb(),
                colors: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            }
        } else {
            Self::None
        }
    }

    /// How large it is now, if that can be known.
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

    /// Tells whether what was written can be written over.
    pub fn can_write_over(self) -> bool {
        match self {
            Self::None => false,
            Self::Stdout { moves, .. } => moves && self.size().is_some(),
            Self::Sized(_) => true,
        }
    }

    /// Tells whether colors are wanted.
    pub(crate) fn has_colors(self) -> bool {
        matches!(self, Self::Stdout { colors: true, .. })
    }
}

/// The size of stderr, if it is a terminal whose lines can be written over; to be asked anew each time, for it may change.
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

/// Tells whether the terminal, as its type has it, can't move its cursor.
fn is_dumb() -> bool {
    variable("TERM").is_none_or(|term| term == "dumb")
}
