//! A connection to the database, or a transaction on one, with whatever lies on the way there.
use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, Statement, TransactionOptions, TransactionTrait, entity::prelude::async_trait,
};
use std::{any::Any, fmt, sync::Arc};

/// What lies between a node and its database. Usually nothing; in a simulation, trouble.
pub trait Way: fmt::Debug + Send + Sync {
    /// Carries a statement there or its answer back; an error if it is lost.
    fn carry(&self) -> BoxFuture<'_, Result<(), DbErr>>;
    /// Waits until it is our turn there, which lasts until this is dropped.
    fn turn(&self) -> BoxFuture<'_, Turn>;
    /// Is told what is asked there.
    fn hear(&self, _statement: &Statement) {}
}

pub type Turn = Arc<dyn Any + Send + Sync>;

#[derive(Clone, Debug)]
pub struct Link<C> {
    pub direct: C,
    way: Option<Arc<dyn Way>>,
    /// A transaction has its turn from its beginning to its end, a statement on its own only one for itself.
    turn: Option<Turn>,
}

/// A transaction, rolled back if it is dropped.
pub type Tx = Link<DatabaseTransaction>;

impl<C> Link<C> {
    pub fn new(direct: C, way: Option<Arc<dyn Way>>) -> Self {
        Self { direct, way, turn: None }
    }

    async fn carry(&self) -> Result<(), DbErr> {
        match &self.way {
            Some(way) => way.carry().await,
            None => Ok(()),
        }
    }

    async fn turn(&self) -> Option<Turn> {
        match (&self.way, &self.turn) {
            (Some(way), None) => Some(way.turn().await),
            (_, turn) => turn.clone(),
        }
    }

    fn heard(&self, statement: Statement) -> Statement {
        if let Some(way) = &self.way {
            way.hear(&statement);
        }
        statement
    }

    async fn ask<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        self.carry().await?;
        let turn = self.turn().await;
        let answer = work.await;
        drop(turn);
        self.carry().await?;
        answer
    }
}

impl Link<DatabaseConnection> {
    pub async fn begin(&self, options: TransactionOptions) -> Result<Tx, DbErr> {
        self.carry().await?;
        let turn = self.turn().await;
        let direct = self.direct.begin_with_options(options).await?;
        let begun = Tx { direct, way: self.way.clone(), turn };
        begun.carry().await?;
        Ok(begun)
    }
}

impl Tx {
    /// An error does not say that nothing was committed.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.carry().await?;
        self.direct.commit().await?;
        drop(self.turn);
        match &self.way {
            Some(way) => way.carry().await,
            None => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Link<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.direct.get_database_backend()
    }
    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.ask(self.direct.execute_raw(self.heard(statement))).await
    }
    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.ask(self.direct.execute_unprepared(sql)).await
    }
    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.ask(self.direct.query_one_raw(self.heard(statement))).await
    }
    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.ask(self.direct.query_all_raw(self.heard(statement))).await
    }
}
