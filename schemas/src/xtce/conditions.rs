//! Comparisons and Boolean expressions.

use roxmltree::Node;

use super::document::{child, elements, name_of, text_of};
use super::load::Loader;
use super::model::{Comparison, ComparisonOperator, Condition, Operand};
use super::notes::{Built, mistake, unsupported};

impl<'a> Loader<'a> {
    /// MatchCriteriaType inside `node`; `None` if there is nothing of the kind.
    pub(super) fn match_criteria(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, Option<Condition>> {
        let mut conditions = Vec::new();
        for form in elements(node) {
            match name_of(form) {
                "Comparison" => conditions.push(self.comparison(form, system)?),
                "ComparisonList" => {
                    let list = elements(form).filter(|row| name_of(*row) == "Comparison");
                    let list = list.map(|row| self.comparison(row, system));
                    conditions.push(Condition::All(list.collect::<Built<_>>()?));
                }
                "BooleanExpression" => conditions.push(self.boolean_expression(form, system)?),
                "CustomAlgorithm" => {
                    return Err(unsupported(
                        form,
                        "a CustomAlgorithm as a condition is not run",
                    ));
                }
                "NextContainer" => {
                    return Err(unsupported(
                        form,
                        "NextContainer: which packet follows is not known while decoding",
                    ));
                }
                _ => {}
            }
        }
        Ok(match conditions.len() {
            0 => None,
            1 => conditions.pop(),
            _ => Some(Condition::All(conditions)),
        })
    }

    fn comparison(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Condition> {
        // A comparison of a command has the reference as a child.
        let inner = elements(node).find(|form| REFERENCES.contains(&name_of(*form)));
        let (parameter, calibrated) = self.parameter_instance(inner.unwrap_or(node), system)?;
        let operator = match node.attribute("comparisonOperator") {
            Some(text) => operator(node, text)?,
            None => ComparisonOperator::Equal,
        };
        let value = node
            .attribute("value")
            .ok_or_else(|| mistake(node, "Comparison has no value"))?
            .to_owned();
        let value = Operand::Literal(value);
        Ok(Condition::Comparison(Comparison {
            parameter,
            calibrated,
            operator,
            value,
        }))
    }

    fn boolean_expression(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Condition> {
        let mut conditions = self.conditions(node, system)?;
        match (conditions.pop(), conditions.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(mistake(
                node,
                "BooleanExpression has more than one condition",
            )),
            (None, _) => Err(mistake(node, "BooleanExpression is empty")),
        }
    }

    /// The conditions below `node`; nesting is bounded by the document's.
    fn conditions(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Vec<Condition>> {
        let mut conditions = Vec::new();
        for form in elements(node) {
            conditions.push(match name_of(form) {
                "Condition" => self.condition(form, system)?,
                "ANDedConditions" => Condition::All(self.conditions(form, system)?),
                "ORedConditions" => {
                    let any = self.conditions(form, system)?;
                    if any.is_empty() {
                        return Err(mistake(form, "ORedConditions is empty and never holds"));
                    }
                    Condition::Any(any)
                }
                _ => continue,
            });
        }
        Ok(conditions)
    }

    fn condition(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Condition> {
        let mut references = elements(node).filter(|form| REFERENCES.contains(&name_of(*form)));
        let left = references
            .next()
            .ok_or_else(|| mistake(node, "Condition refers to no value"))?;
        let right = references.next();
        let (parameter, calibrated) = self.parameter_instance(left, system)?;
        let operator = match child(node, "ComparisonOperator") {
            Some(form) => operator(form, &text_of(form))?,
            None => ComparisonOperator::Equal,
        };
        let value = match (right, child(node, "Value")) {
            (Some(right), None) => {
                let (parameter, calibrated) = self.parameter_instance(right, system)?;
                Operand::Parameter {
                    parameter,
                    calibrated,
                }
            }
            (None, Some(value)) => Operand::Literal(text_of(value)),
            _ => {
                return Err(mistake(
                    node,
                    "Condition needs one Value or one more parameter",
                ));
            }
        };
        Ok(Condition::Comparison(Comparison {
            parameter,
            calibrated,
            operator,
            value,
        }))
    }
}

/// What a condition may refer to; the numbered names are XTCE 1.0's.
const REFERENCES: [&str; 4] = [
    "ParameterInstanceRef",
    "ArgumentInstanceRef",
    "ParameterInstanceRef1",
    "ParameterInstanceRef2",
];

fn operator<'a>(node: Node<'a, 'a>, text: &str) -> Built<'a, ComparisonOperator> {
    Ok(match text.trim() {
        "==" | "=" => ComparisonOperator::Equal,
        "!=" => ComparisonOperator::NotEqual,
        "<" => ComparisonOperator::Less,
        "<=" => ComparisonOperator::LessOrEqual,
        ">" => ComparisonOperator::Greater,
        ">=" => ComparisonOperator::GreaterOrEqual,
        other => {
            return Err(mistake(
                node,
                format!("`{other}` is not a comparison operator"),
            ));
        }
    })
}
