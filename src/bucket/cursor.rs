//! The forward cursor, with bbolt's movements.

use super::packed::{Body, SEQUENCE_BYTES};
use super::wide::{Run, Wide};
use super::{Entry, View, ViewRepr};

/// A cursor over one bucket. It begins nowhere: `first` or `seek` places it.
pub struct Cursor<'a> {
    repr: CursorRepr<'a>,
    here: Option<(&'a [u8], Entry<'a>)>,
}

enum CursorRepr<'a> {
    Packed { body: Body<'a>, next: usize },
    Wide { wide: &'a Wide, run: Option<Run<'a>> },
}

impl<'a> Cursor<'a> {
    pub(super) fn new(view: View<'a>) -> Cursor<'a> {
        let repr = match view.0 {
            ViewRepr::Packed(body) => CursorRepr::Packed { body, next: usize::MAX - 8 },
            ViewRepr::Wide(wide) => CursorRepr::Wide { wide, run: None },
        };
        Cursor { repr, here: None }
    }

    /// The entry on which the cursor stands; none before the first movement and past the end.
    pub fn here(&self) -> Option<(&'a [u8], Entry<'a>)> {
        self.here
    }

    /// Moves to the first entry (bbolt's `Cursor.First`).
    pub fn first(&mut self) -> Option<(&'a [u8], Entry<'a>)> {
        self.seek(b"")
    }

    /// Moves to the first entry whose key is not below `key`, backwards too (bbolt's `Cursor.Seek`).
    pub fn seek(&mut self, key: &[u8]) -> Option<(&'a [u8], Entry<'a>)> {
        match &mut self.repr {
            CursorRepr::Packed { body, next } => {
                let slot = body.seek(key);
                *next = slot.map_or(body.bytes().len(), |slot| slot.end);
                self.here = slot.map(|slot| (slot.key, slot.entry()));
            }
            CursorRepr::Wide { wide, run } => {
                let run = run.insert(wide.run_from(key));
                self.here = run.next().map(|(key, slot)| (&**key, slot.entry()));
            }
        }
        self.here
    }

    /// Moves to the next entry (bbolt's `Cursor.Next`).
    #[expect(clippy::should_implement_trait, reason = "bbolt's word; `View::iter` is the iterator")]
    pub fn next(&mut self) -> Option<(&'a [u8], Entry<'a>)> {
        self.here = match &mut self.repr {
            CursorRepr::Packed { body, next } => body.slot(*next).map(|slot| {
                *next = slot.end;
                (slot.key, slot.entry())
            }),
            CursorRepr::Wide { run, .. } => {
                let following = run.as_mut().and_then(Iterator::next);
                following.map(|(key, slot)| (&**key, slot.entry()))
            }
        };
        self.here
    }
}

/// Every entry of a bucket in order: what a cursor shows that is only moved forward from the first one.
pub(super) enum Entries<'a> {
    Packed { body: Body<'a>, next: usize },
    Wide(Run<'a>),
}

impl<'a> Entries<'a> {
    #[inline]
    pub(super) fn new(view: View<'a>) -> Entries<'a> {
        match view.0 {
            ViewRepr::Packed(body) => Entries::Packed { body, next: SEQUENCE_BYTES },
            ViewRepr::Wide(wide) => Entries::Wide(wide.run_from(b"")),
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], Entry<'a>);

    #[inline]
    fn next(&mut self) -> Option<(&'a [u8], Entry<'a>)> {
        match self {
            Entries::Packed { body, next } => {
                let slot = body.slot(*next)?;
                *next = slot.end;
                Some((slot.key, slot.entry()))
            }
            Entries::Wide(run) => run.next().map(|(key, slot)| (&**key, slot.entry())),
        }
    }
}
