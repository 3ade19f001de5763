//! The places that the traces of a run are read from, and where its own spans go.

use super::Environment;
use super::load::Loaded;
use crate::backend::{self, OtlpTarget, OwnSpanExporter, Place};
use crate::run::session::TestAt;
use crate::spec::vars::Scope;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The exporter of the runner's own spans, where the standard variables name an endpoint.
pub(crate) fn own_spans(environment: &Environment) -> Result<Option<OwnSpanExporter>, String> {
    let target =
        OtlpTarget::from_otel(|name| environment.get(name).map(str::to_owned)).map_err(|why| why.to_string())?;
    target.map(|target| OwnSpanExporter::new(&target).map_err(|why| why.to_string())).transpose()
}

/// Opens what a loaded configuration names.
pub(crate) async fn of(loaded: &Loaded) -> Result<Place, String> {
    let scope = Scope::bare(Arc::clone(&loaded.vars));
    backend::open(loaded.settings.backend.as_ref(), &loaded.settings.folder, &scope).await
}

/// Opens the backends of those of these tests (`None`: of all) that name one of their own.
pub(crate) async fn of_tests(
    loaded: &Loaded,
    running: &Option<BTreeSet<TestAt>>,
) -> Result<Vec<(TestAt, Place)>, String> {
    let scope = Scope::bare(Arc::clone(&loaded.vars));
    let mut opened = Vec::new();
    for (at, test) in super::select::all(&loaded.plan) {
        let runs = running.as_ref().is_none_or(|running| running.contains(&at));
        if let Some(backend) = test.backend.as_ref().filter(|_| runs) {
            let folder = test.source.path().parent().unwrap_or(Path::new(""));
            opened.push((at, backend::open(Some(backend), folder, &scope).await?));
        }
    }
    Ok(opened)
}
