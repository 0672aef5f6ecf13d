//! What a step looks like, for messages, for suggestions and for the manual.

/// The form of one step: what its row says of its text.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its first word.
    pub step: &'static str,
    /// Its second word, what is done; empty where there is none.
    pub sub_step: &'static str,
    /// One line that parses.
    pub example: &'static str,
    /// The shapes of its parts.
    pub(super) shapes: fn() -> Vec<Shape>,
}

impl Form {
    /// The whole form on one line: in capitals what the writer chooses, in brackets what may be left out.
    pub fn usage(&self) -> String {
        let mut words = vec![self.step.to_owned(), self.sub_step.to_owned()];
        let mut labels = Vec::new();
        for shape in (self.shapes)() {
            match shape {
                Shape::Words(form) => words.push(form),
                Shape::Option { form, is_needed: true } => words.push(form.to_owned()),
                Shape::Option { form, .. } | Shape::Flag(form) => words.push(format!("[{form}]")),
                Shape::Labels { is_needed: true } => labels.push("LABEL=VALUE...".to_owned()),
                Shape::Labels { .. } => labels.push("[LABEL=VALUE...]".to_owned()),
            }
        }
        words.extend(labels);
        words.retain(|word| !word.is_empty());
        words.join(" ")
    }
}

/// What a part looks like in a form, and what it lets stand in a line.
#[derive(Clone)]
pub(super) enum Shape {
    /// Words: `REF`, `NODE...`.
    Words(String),
    /// `size=N`; in brackets unless it is needed.
    Option { form: &'static str, is_needed: bool },
    /// `flat`
    Flag(&'static str),
    /// `LABEL=VALUE...`
    Labels { is_needed: bool },
}
