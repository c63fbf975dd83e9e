//! The nodes of each device class in the order of their asks.

use crate::ids::NodeId;
use crate::view::View;

/// The nodes of each class in the order of their asks, which are fixed, and within a class order them alike for every job.
pub(super) fn by_class(view: &View<'_>) -> Vec<Vec<NodeId>> {
    let mut classes: Vec<Vec<NodeId>> = Vec::new();
    for node in (0..view.node_count()).map(NodeId::new) {
        let class = view.node(node).profile.index();
        classes.resize_with(classes.len().max(class + 1), Vec::new);
        classes[class].push(node);
    }
    for class in &mut classes {
        class.sort_by_key(|&node| {
            let ask = view.node(node).ask;
            (ask.output, ask.prompt, node)
        });
    }
    classes
}
