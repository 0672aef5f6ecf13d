//! Where things stand: layers inside a group, groups as boxes on shelves.
//!
//! ```text
//!   ┌ image/web ──────────────────────┐ ┌ goes ────┐
//!   │ image ─> index ─┬─> m1 ─> layer │ │ a   d    │     a layer is the longest way from what nothing in the group
//!   │                 └─> m2 ─> layer │ │ b        │     keeps; what has no relation there stands behind, row by row
//!   └─────────────────────────────────┘ └──────────┘
//! ```
//!
//! Near-linear in objects and relations, and the same on every machine. Crates were tried: `rust-sugiyama` 0.4 places the
//! same graph differently in each run and takes a second and more for 3,000 objects.

use crate::explain::{Drawing, ObjectId};

/// The size of the place that an object takes, and of what stands around a group.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Inside a box, on each side.
    pub(super) margin: u32,
    /// Above a group: its name.
    pub(super) head: u32,
    /// Between boxes.
    pub(super) gap: u32,
}

/// A box, from its left upper corner.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Frame {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

pub(super) struct Layout {
    /// By object: the left upper corner of its cell.
    pub(super) places: Vec<(u32, u32)>,
    /// By group.
    pub(super) frames: Vec<Frame>,
    /// The whole.
    pub(super) size: (u32, u32),
}

/// A layer that is higher stands in several columns, as soon as that makes the group less high than wide.
const ROWS_MIN: usize = 12;
/// How often layers are put in order by their neighbours.
const SWEEPS: usize = 4;

pub(super) fn layout(drawing: &Drawing<'_>, cell: Cell) -> Layout {
    let mut members: Vec<Vec<ObjectId>> = vec![Vec::new(); drawing.groups.len()];
    for (object, number) in drawing.objects.iter().zip(0..) {
        members[object.group as usize].push(number);
    }
    let mut inner = Inner::new(drawing);
    let mut places: Vec<(u32, u32)> = vec![(0, 0); drawing.objects.len()];
    let mut frames: Vec<Frame> = Vec::new();
    for members in &members {
        let columns = inner.columns(members);
        let rows_max = columns.iter().map(Vec::len).max().unwrap_or(0);
        for (x, column) in (0..).zip(&columns) {
            let above = size(rows_max - column.len()) * cell.height / 2;
            for (y, object) in (0..).zip(column) {
                places[*object as usize] =
                    (cell.margin + x * cell.width, cell.head + cell.margin + above + y * cell.height);
            }
        }
        let width = size(columns.len()) * cell.width + 2 * cell.margin;
        let height = size(rows_max) * cell.height + 2 * cell.margin + cell.head;
        frames.push(Frame { x: 0, y: 0, width, height });
    }
    let size = shelve(&mut frames, cell.gap);
    for (place, object) in places.iter_mut().zip(&drawing.objects) {
        let frame = frames[object.group as usize];
        *place = (place.0 + frame.x, place.1 + frame.y);
    }
    Layout { places, frames, size }
}

/// Puts boxes on shelves, the highest first, so that all is a little wider than high.
fn shelve(frames: &mut [Frame], gap: u32) -> (u32, u32) {
    let area: u64 =
        frames.iter().map(|frame| u64::from(frame.width + gap) * u64::from(frame.height + gap)).sum();
    let widest = frames.iter().map(|frame| frame.width).max().unwrap_or(0);
    let width = widest.max(u32::try_from((area * 3 / 2).isqrt()).unwrap_or(u32::MAX));
    let mut order: Vec<usize> = (0..frames.len()).collect();
    order.sort_by_key(|place| (std::cmp::Reverse(frames[*place].height), *place));
    let (mut x, mut y, mut shelf, mut right) = (0, 0, 0, 0);
    for place in order {
        let frame = &mut frames[place];
        if x > 0 && x + frame.width > width {
            (x, y) = (0, y + shelf + gap);
            shelf = 0;
        }
        (frame.x, frame.y) = (x, y);
        right = right.max(x + frame.width);
        shelf = shelf.max(frame.height);
        x += frame.width + gap;
    }
    (right, y + shelf)
}

/// The order inside groups; tables by object, made once.
struct Inner {
    /// By object, within its group: what it keeps, and what keeps it.
    below: Vec<Vec<ObjectId>>,
    above: Vec<Vec<ObjectId>>,
    layers: Vec<u32>,
    rows: Vec<u32>,
}

impl Inner {
    fn new(drawing: &Drawing<'_>) -> Inner {
        let count = drawing.objects.len();
        let (mut below, mut above) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for line in &drawing.lines {
            let [from, to] = [line.from, line.to].map(|end| drawing.objects[end as usize].group);
            if from == to && line.from != line.to {
                below[line.from as usize].push(line.to);
                above[line.to as usize].push(line.from);
            }
        }
        Inner { below, above, layers: vec![0; count], rows: vec![0; count] }
    }

    /// The columns of a group: its layers, wide ones in several columns, then what has no relations.
    fn columns(&mut self, members: &[ObjectId]) -> Vec<Vec<ObjectId>> {
        let is_tied = |object: &&ObjectId| {
            !self.below[**object as usize].is_empty() || !self.above[**object as usize].is_empty()
        };
        let (tied, loose): (Vec<&ObjectId>, Vec<&ObjectId>) = members.iter().partition(is_tied);
        let tied: Vec<ObjectId> = tied.into_iter().copied().collect();
        let mut layers = self.layered(&tied);
        for sweep in 0..SWEEPS {
            self.sweep(&mut layers, sweep % 2 == 0);
        }
        let rows = ROWS_MIN.max(members.len().isqrt());
        let columns = layers.iter().flat_map(|layer| layer.chunks(rows)).map(<[ObjectId]>::to_vec);
        let mut columns: Vec<Vec<ObjectId>> = columns.collect();
        let highest = columns.iter().map(Vec::len).max().unwrap_or(0);
        let rows = highest.max(loose.len().isqrt()).max(4);
        let loose: Vec<ObjectId> = loose.into_iter().copied().collect();
        columns.extend(loose.chunks(rows).map(<[ObjectId]>::to_vec));
        columns
    }

    /// Each object one layer below the lowest that keeps it. Of a circle the first object is taken as if nothing kept it.
    fn layered(&mut self, members: &[ObjectId]) -> Vec<Vec<ObjectId>> {
        const DONE: u32 = u32::MAX;
        for object in members {
            self.layers[*object as usize] = 0;
            self.rows[*object as usize] = size(self.above[*object as usize].len());
        }
        let free = |rows: &[u32], object: &ObjectId| rows[*object as usize] == 0;
        let mut ready: Vec<ObjectId> =
            members.iter().copied().filter(|object| free(&self.rows, object)).collect();
        let mut rest = members.iter().copied();
        let mut layers: Vec<Vec<ObjectId>> = Vec::new();
        while let Some(object) = ready.pop().or_else(|| rest.find(|rest| self.rows[*rest as usize] != DONE)) {
            self.rows[object as usize] = DONE;
            let layer = self.layers[object as usize];
            layers.resize(layers.len().max(layer as usize + 1), Vec::new());
            layers[layer as usize].push(object);
            for below in &self.below[object as usize] {
                let waits = self.rows[*below as usize];
                if waits == DONE {
                    continue;
                }
                self.layers[*below as usize] = self.layers[*below as usize].max(layer + 1);
                self.rows[*below as usize] = waits.saturating_sub(1);
                if waits == 1 {
                    ready.push(*below);
                }
            }
        }
        for layer in &mut layers {
            layer.sort_unstable();
        }
        layers.retain(|layer| !layer.is_empty());
        layers
    }

    /// Sorts each layer by where the neighbours in the layers before it stand, on the mean; downwards or upwards.
    fn sweep(&mut self, layers: &mut [Vec<ObjectId>], is_down: bool) {
        let mut order: Vec<usize> = (0..layers.len()).collect();
        if !is_down {
            order.reverse();
        }
        for place in order {
            let layer = &mut layers[place];
            let neighbours = if is_down { &self.above } else { &self.below };
            let rows = &self.rows;
            let mean = |object: &ObjectId| {
                let near = &neighbours[*object as usize];
                let sum: u64 = near.iter().map(|near| u64::from(rows[*near as usize])).sum();
                // In thousandths, as what has no neighbours there stays where it is.
                sum.saturating_mul(1000)
                    .checked_div(near.len() as u64)
                    .unwrap_or(u64::from(rows[*object as usize]).saturating_mul(1000))
            };
            layer.sort_by_cached_key(mean);
            for (row, object) in (0..).zip(&*layer) {
                self.rows[*object as usize] = row;
            }
        }
    }
}

fn size(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32 objects fit into memory")
}
