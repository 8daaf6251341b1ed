//! In what order the lists stand, and where a page of one ends: the next page is what comes after.
use super::{
    conversations::conversation, lists::Tab, marks::conversation_tag, words::priority_number,
};
use crate::{db, event::Summary, ids::ConversationId};
use jiff::Timestamp;
use sea_orm::{
    Condition, Order, QueryOrder, Select,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use std::{cmp::Ordering, fmt};

/// The most columns by which a list is ordered.
const MOST: usize = 5;

/// Where a row stands in its list: what it has of each column by which that is ordered. In addresses these are numbers with
/// points between them, opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    tab: Tab,
    /// As many as the list has columns; then zeros.
    numbers: [i64; MOST],
}

impl Place {
    pub fn of(tab: Tab, row: &Summary) -> Self {
        let moment = |at: Option<Timestamp>| at.map_or(0, db::micros);
        let id = row.id.0;
        let numbers = match tab {
            Tab::Mine(_) | Tab::Queue | Tab::All => [
                i64::from(row.waiting_since.is_none()),
                priority_number(row.priority),
                moment(row.waiting_since),
                db::micros(row.last_at),
                id,
            ],
            Tab::Snoozed => [moment(row.snoozed_until), id, 0, 0, 0],
            Tab::Closed => [moment(row.closed_at), id, 0, 0, 0],
        };
        Self { tab, numbers }
    }

    /// Of one that was closed at a moment.
    pub fn of_closed(at: Timestamp, id: ConversationId) -> Self {
        Self { tab: Tab::Closed, numbers: [db::micros(at), id.0, 0, 0, 0] }
    }

    /// `None` if it is no place of this list.
    pub fn parse(text: &str, tab: Tab) -> Option<Self> {
        let (mut numbers, mut parts) = ([0; MOST], text.split('.'));
        for number in numbers.iter_mut().take(ways(tab).len()) {
            *number = parts.next()?.parse().ok()?;
        }
        parts.next().is_none().then_some(Self { tab, numbers })
    }

    /// Whether a row comes after it.
    pub fn is_before(&self, row: &Summary) -> bool {
        let theirs = Self::of(self.tab, row).numbers;
        let by = ways(self.tab).iter().zip(self.numbers.iter().zip(theirs));
        let mut order = by.map(|(way, (here, there))| match way {
            Way::Up => here.cmp(&there),
            Way::Down => there.cmp(here),
        });
        order.find(|order| order.is_ne()) == Some(Ordering::Less)
    }

    /// What comes after it where a list is ordered by these columns: also a range of the first one, which an index knows.
    fn condition(&self, columns: &[Expr]) -> Condition {
        let (mut range, mut after, mut same) = (None, Condition::any(), Condition::all());
        for ((column, way), number) in columns.iter().zip(ways(self.tab)).zip(self.numbers) {
            let column = || column.clone();
            let (further, as_far) = match way {
                Way::Up => (column().gt(number), column().gte(number)),
                Way::Down => (column().lt(number), column().lte(number)),
            };
            range.get_or_insert(as_far);
            after = after.add(same.clone().add(further));
            same = same.add(column().eq(number));
        }
        Condition::all().add_option(range).add(after)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.numbers.iter().take(ways(self.tab).len());
        f.write_str(&numbers.map(ToString::to_string).collect::<Vec<_>>().join("."))
    }
}

/// Which way a column's numbers go down the list.
#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// Whoever waits first, then by how much they matter, then by how long they wait or how new they are. What is put off is listed by
/// when it comes back. Of those that are closed, which are more every year, whichever was closed last, first.
fn ways(tab: Tab) -> &'static [Way] {
    match tab {
        Tab::Mine(_) | Tab::Queue | Tab::All => {
            &[Way::Up, Way::Down, Way::Up, Way::Down, Way::Down]
        }
        Tab::Snoozed => &[Way::Up, Way::Up],
        Tab::Closed => &[Way::Down, Way::Down],
    }
}

/// What goes which [`ways`].
fn columns(tab: Tab) -> Vec<Expr> {
    use conversation::Column::{ClosedAt, Id, LastAt, Priority, SnoozedUntil};
    match tab {
        Tab::Mine(_) | Tab::Queue | Tab::All => vec![
            Expr::cust("CASE WHEN waiting_since IS NULL THEN 1 ELSE 0 END"),
            Priority.into_expr(),
            Expr::cust("COALESCE(waiting_since, 0)"),
            LastAt.into_expr(),
            Id.into_expr(),
        ],
        Tab::Snoozed => vec![SnoozedUntil.into_expr(), Id.into_expr()],
        Tab::Closed => vec![ClosedAt.into_expr(), Id.into_expr()],
    }
}

/// A list in its order, from after a place on.
pub(super) fn in_order(
    list: Select<conversation::Entity>,
    tab: Tab,
    after: Option<Place>,
) -> Select<conversation::Entity> {
    ordered(list, tab, after, columns(tab))
}

/// The same of closed ones by the rows of their tag.
pub(super) fn in_order_of_tag(
    list: Select<conversation_tag::Entity>,
    after: Option<Place>,
) -> Select<conversation_tag::Entity> {
    use conversation_tag::Column::{ClosedAt, ConversationId};
    ordered(list, Tab::Closed, after, vec![ClosedAt.into_expr(), ConversationId.into_expr()])
}

/// What is closed and comes after a place.
pub(super) fn closed_after(after: Option<Place>) -> Option<Condition> {
    after.map(|place| place.condition(&columns(Tab::Closed)))
}

fn ordered<E: EntityTrait>(
    list: Select<E>,
    tab: Tab,
    after: Option<Place>,
    columns: Vec<Expr>,
) -> Select<E> {
    let rest = after.map_or_else(Condition::all, |place| place.condition(&columns));
    let by = columns.into_iter().zip(ways(tab));
    by.fold(list.filter(rest), |list, (column, way)| match way {
        Way::Up => list.order_by(column, Order::Asc),
        Way::Down => list.order_by(column, Order::Desc),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AgentId;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        let all = [Tab::Mine(AgentId(1)), Tab::Queue, Tab::All, Tab::Snoozed, Tab::Closed];
        for tab in all {
            let numbers = match ways(tab).len() {
                2 => [i64::MIN, i64::MAX, 0, 0, 0],
                _ => [1, 2, 0, 1_795_424_850_123_456, 4_821],
            };
            let place = Place { tab, numbers };
            assert_eq!(Place::parse(&place.to_string(), tab), Some(place));
            for wrong in
                ["", "1", ".", "1.x", "1.2.3", "1.2.3.4.5.6", "1.2.3.4.99999999999999999999"]
            {
                assert_eq!(Place::parse(wrong, tab), None, "{wrong}");
            }
        }
    }
}
