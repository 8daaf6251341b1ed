//! What happens by itself. On each node: finding out what it was not told, and whether files can be kept. On one node at a time: tidying up, letting what was
//! said be found, and giving back what those had who are gone.
mod healing;
mod indexing;
mod seating;
mod storing;
mod tidying;

use crate::app::App;

/// Gives back what this node holds, so that others need not wait until it counts as dead.
pub async fn leave(app: &App) {
    let left = async {
        app.db.release(app.bus.node()).await?;
        app.db.leave(app.bus.node()).await
    };
    if let Err(error) = left.await {
        tracing::warn!(%error, "could not say goodbye");
    }
}

/// Begins what goes on until the process leaves.
pub fn start(app: &App) {
    tokio::spawn(healing::heal(app.clone()));
    tokio::spawn(seating::keep_seats(app.clone()));
    tokio::spawn(storing::look(app.clone()));
    tokio::spawn(tidying::tidy(app.clone()));
    tokio::spawn(indexing::index(app.clone()));
}
