//! What may be asked: reading statements, of bounded length and depth.
//!
//! Parser, planner and optimiser recurse over a statement's tree, and dropping the tree recurses
//! too. A long chain of operators is as deep as nested parentheses, so both are bounded before
//! and while parsing; everything recursive runs on threads with large stacks besides.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    ObjectName, Query, Select, Statement as SqlStatement, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::QueryError;

/// Longest text accepted, octets.
pub(crate) const SQL_OCTETS_MAX: usize = 1 << 20;

/// Most operators and keywords of one statement: a bound on the depth of its tree.
pub(crate) const OPERATORS_MAX: usize = 2_048;

/// Deepest nesting of parentheses, functions and queries.
pub(crate) const NESTING_MAX: usize = 128;

/// Most tables read by one statement once common table expressions are expanded.
pub(crate) const RELATIONS_MAX: u64 = 512;

/// Parses statements and refuses those that do more than read.
pub(crate) fn parse(sql: &str) -> Result<Vec<Statement>, QueryError> {
    if sql.len() > SQL_OCTETS_MAX {
        return Err(QueryError::TooLong { octets: sql.len() });
    }
    check_tokens(sql)?;
    let statements = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(NESTING_MAX)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| QueryError::from_datafusion(&error))?;
    for statement in &statements {
        check(statement)?;
    }
    Ok(statements.into())
}

/// Whether a text ends a statement: a `;` outside of quotes and comments closes it.
pub(crate) fn is_complete(text: &str) -> bool {
    if text.len() > SQL_OCTETS_MAX {
        return true;
    }
    // An open quote or comment is a tokenizer error: the statement goes on.
    text.contains(';')
        && Tokenizer::new(&GenericDialect {}, text)
            .tokenize()
            .is_ok_and(|tokens| {
                tokens
                    .iter()
                    .rev()
                    .find(|token| !matches!(token, Token::Whitespace(_)))
                    == Some(&Token::SemiColon)
            })
}

fn check_tokens(sql: &str) -> Result<(), QueryError> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize()
        .map_err(|error| QueryError::Syntax(error.to_string()))?;
    let mut operators = 0_usize;
    for token in tokens {
        match token {
            Token::SemiColon => operators = 0,
            Token::Word(word) if word.keyword == Keyword::NoKeyword => {}
            // These make lists, not depth; parentheses are bounded by the parser.
            Token::Whitespace(_)
            | Token::Comma
            | Token::Period
            | Token::LParen
            | Token::RParen
            | Token::Number(..)
            | Token::SingleQuotedString(_) => {}
            _ => operators += 1,
        }
        if operators > OPERATORS_MAX {
            return Err(QueryError::TooManyOperators { operators });
        }
    }
    Ok(())
}

fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(sql) => check_sql(sql),
        Statement::Explain(explain) => check(&explain.statement),
        Statement::CopyTo(_) => Err(refused("COPY")),
        Statement::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE")),
        Statement::Reset(_) => Err(refused("RESET")),
    }
}

fn check_sql(statement: &SqlStatement) -> Result<(), QueryError> {
    let mut reading = Reading::default();
    if let ControlFlow::Break(error) = statement.visit(&mut reading) {
        return Err(error);
    }
    Ok(())
}

fn refused(statement: &str) -> QueryError {
    QueryError::Refused {
        statement: statement.to_owned(),
    }
}

/// Walks a statement: every statement inside must read, and the tables read are counted.
#[derive(Default)]
struct Reading {
    /// Tables read by each query that is open, innermost last.
    open: Vec<u64>,
    /// Names of the common table expressions, by the place of their query in the tree.
    names: HashMap<usize, String>,
    /// Tables read by each common table expression.
    weights: HashMap<String, u64>,
}

fn place(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

impl Visitor for Reading {
    type Break = QueryError;

    fn pre_visit_statement(&mut self, statement: &SqlStatement) -> ControlFlow<QueryError> {
        match statement {
            SqlStatement::Query(_)
            | SqlStatement::Explain { .. }
            | SqlStatement::ExplainTable { .. }
            | SqlStatement::ShowTables { .. }
            | SqlStatement::ShowColumns { .. }
            | SqlStatement::ShowFunctions { .. } => ControlFlow::Continue(()),
            other => ControlFlow::Break(refused(&kind(other))),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        if !query.locks.is_empty() {
            return ControlFlow::Break(refused("SELECT ... FOR UPDATE"));
        }
        for expression in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = expression.alias.name.value.to_lowercase();
            self.names.insert(place(&expression.query), name);
        }
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        let relations = self.open.pop().unwrap_or_default();
        if relations > RELATIONS_MAX {
            return ControlFlow::Break(QueryError::TooManyRelations { relations });
        }
        if let Some(name) = self.names.remove(&place(query)) {
            // Shadowed names count as the heaviest of their meanings.
            let weight = self.weights.entry(name).or_default();
            *weight = relations.max(*weight).max(1);
        } else if let Some(outer) = self.open.last_mut() {
            *outer = outer.saturating_add(relations);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
        if select.into.is_some() {
            return ControlFlow::Break(refused("SELECT INTO"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<QueryError> {
        let weight = self
            .weights
            .get(&relation.to_string().to_lowercase())
            .copied()
            .unwrap_or(1);
        if let Some(relations) = self.open.last_mut() {
            *relations = relations.saturating_add(weight);
        }
        ControlFlow::Continue(())
    }
}

/// The words a statement starts with: `CREATE TABLE`, `INSERT`.
fn kind(statement: &SqlStatement) -> String {
    let text = statement.to_string();
    let words: Vec<&str> = text
        .split_whitespace()
        .take(2)
        .take_while(|word| word.chars().all(|c| c.is_ascii_uppercase()))
        .collect();
    if words.is_empty() {
        "this statement".to_owned()
    } else {
        words.join(" ")
    }
}

#[cfg(test)]
mod tests;
