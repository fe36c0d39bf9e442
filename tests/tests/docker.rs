//! docker/: no engine is needed to see that what the files name exists and that the program takes
//! the commands that they give it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_norway::{Mapping, Value};
use tests::{passline, run, workspace};

/// The compose file with its anchors and merge keys resolved.
fn compose() -> Mapping {
    let path = workspace().join("docker/compose.yaml");
    let mut value: Value = serde_norway::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    value.apply_merge().unwrap();
    value.as_mapping().unwrap().clone()
}

fn mapping(value: &Value) -> &Mapping {
    value
        .as_mapping()
        .unwrap_or_else(|| panic!("{value:?} is no mapping"))
}

fn services() -> BTreeMap<String, Mapping> {
    mapping(&compose()["services"])
        .iter()
        .map(|(name, service)| (name.as_str().unwrap().to_owned(), mapping(service).clone()))
        .collect()
}

/// A list of texts; a single text is split at spaces.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Sequence(items)) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .unwrap_or_else(|| panic!("{item:?} is no text"))
                    .to_owned()
            })
            .collect(),
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The Dockerfile's instructions, continued lines joined.
fn dockerfile() -> Vec<(String, String)> {
    let text = fs::read_to_string(workspace().join("docker/Dockerfile")).unwrap();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    lines
        .join("\n")
        .replace("\\\n", " ")
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

fn instruction(name: &str) -> String {
    dockerfile()
        .into_iter()
        .rev()
        .find(|(word, _)| word == name)
        .unwrap_or_else(|| panic!("the Dockerfile has no {name}"))
        .1
}

/// The words of an instruction in its JSON form.
fn words(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// A tag that names one version: `1.95.0-bookworm`, `v1.8.0`; not `latest`, `12` or `slim`.
fn assert_pinned(image: &str) {
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    let numbers = tag
        .trim_start_matches('v')
        .split('-')
        .next()
        .unwrap_or_default()
        .split('.')
        .filter(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit()))
        .count();
    assert!(numbers >= 2, "{image} is not pinned to a version");
}

/// Where a path of a container lies in the checkout.
fn in_checkout(path: &str, service: &Mapping) -> PathBuf {
    let mut places = Vec::new();
    for (word, rest) in dockerfile() {
        let parts: Vec<&str> = rest.split_whitespace().collect();
        if let ("COPY", [from, to]) = (word.as_str(), parts.as_slice()) {
            places.push(((*to).to_owned(), workspace().join(from)));
        }
    }
    for volume in texts(service.get("volumes")) {
        let parts: Vec<&str> = volume.split(':').collect();
        if parts[0].starts_with('.') {
            places.push((
                parts[1].to_owned(),
                workspace().join("docker").join(parts[0]),
            ));
        }
    }
    places
        .iter()
        .find_map(|(to, from)| Some(from.join(Path::new(path).strip_prefix(to).ok()?)))
        .unwrap_or_else(|| panic!("{path} is in no volume and not copied into the image"))
}

fn is_passline(service: &Mapping) -> bool {
    service.get("build").is_some()
}

/// What a container of passline runs, without the program's name.
fn arguments(service: &Mapping) -> Vec<String> {
    let mut entrypoint = texts(service.get("entrypoint"));
    if entrypoint.is_empty() {
        entrypoint = words(&instruction("ENTRYPOINT"));
    }
    assert_eq!(entrypoint.remove(0), "passline");
    entrypoint.extend(texts(service.get("command")));
    entrypoint
}

/// The configuration file of a service, as a file of this machine whose paths exist here.
fn configuration(service: &Mapping, folder: &Path) -> Option<PathBuf> {
    let arguments = arguments(service);
    let at = arguments.iter().position(|word| word == "--config")?;
    let path = in_checkout(&arguments[at + 1], service);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut here = String::new();
    for line in text.lines() {
        let place = line.split('"').nth(1).unwrap_or_default();
        if line.starts_with("folder = \"/usr/") {
            let found = in_checkout(place, service);
            assert!(found.is_dir(), "{} is in the image", found.display());
            here.push_str(&format!("folder = {found:?}\n"));
        } else {
            here.push_str(line);
            here.push('\n');
        }
    }
    let file = folder.join(path.file_name().unwrap());
    fs::write(&file, here).unwrap();
    Some(file)
}

fn configuration_values(service: &Mapping) -> Option<toml::Table> {
    let arguments = arguments(service);
    let at = arguments.iter().position(|word| word == "--config")?;
    let path = in_checkout(&arguments[at + 1], service);
    Some(fs::read_to_string(path).unwrap().parse().unwrap())
}

#[test]
fn every_image_is_pinned() {
    let mut stages = BTreeSet::new();
    for (word, rest) in dockerfile() {
        if word == "FROM" {
            let parts: Vec<&str> = rest.split_whitespace().collect();
            assert_pinned(parts[0]);
            if let [_, "AS", stage] = parts[..] {
                stages.insert(stage.to_owned());
            }
        }
    }
    assert!(stages.contains("build"));
    for (name, service) in services() {
        let image = service["image"].as_str().unwrap().to_owned();
        assert_pinned(&image);
        if is_passline(&service) {
            let version = env!("CARGO_PKG_VERSION");
            assert_eq!(image, format!("passline:{version}"), "{name}");
            let build = mapping(&service["build"]);
            let context = workspace()
                .join("docker")
                .join(build["context"].as_str().unwrap());
            assert!(
                context
                    .join(build["dockerfile"].as_str().unwrap())
                    .is_file()
            );
        }
    }
    let toolchain = fs::read_to_string(workspace().join("rust-toolchain.toml")).unwrap();
    let channel = toolchain.split('"').nth(1).unwrap().to_owned();
    let rust = instruction_all("FROM").remove(0);
    assert!(
        rust.starts_with(&format!("rust:{channel}")),
        "{rust}, {channel}"
    );
}

fn instruction_all(name: &str) -> Vec<String> {
    let found = dockerfile().into_iter().filter(|(word, _)| word == name);
    found.map(|(_, rest)| rest).collect()
}

#[test]
fn the_image_is_as_a_container_should_be() {
    assert_eq!(instruction("USER"), "passline", "not root");
    assert_eq!(instruction("STOPSIGNAL"), "SIGTERM");
    for copied in instruction_all("COPY") {
        let parts: Vec<&str> = copied.split_whitespace().collect();
        if let [from, _] = parts[..] {
            assert!(workspace().join(from).exists(), "COPY {from}");
        }
    }
    let health = instruction("HEALTHCHECK");
    let command = words(health.split_once("CMD").unwrap().1.trim());
    assert_eq!(command[0], "passline");
    let output = run(passline().args(&command[1..]).arg("--help"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    let output = run(passline().args(words(&instruction("CMD"))));
    assert!(output.status.success(), "{output:?}");
    let exposed = instruction("EXPOSE");
    assert!(command.last().unwrap().ends_with(&exposed), "{exposed}");
}

#[test]
fn everything_that_the_compose_file_refers_to_exists() {
    let (compose, services) = (compose(), services());
    for name in [
        "kafka-1", "kafka-2", "kafka-3", "store", "station", "ingest", "query",
    ] {
        assert!(services.contains_key(name), "{name} is a service");
    }
    let declared: BTreeSet<&str> = mapping(&compose["volumes"])
        .keys()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut used = BTreeSet::new();
    for (name, service) in &services {
        for volume in texts(service.get("volumes")) {
            let source = volume.split(':').next().unwrap().to_owned();
            if source.starts_with('.') {
                let path = workspace().join("docker").join(&source);
                assert!(path.is_dir(), "{name}: {}", path.display());
            } else {
                assert!(declared.contains(source.as_str()), "{name}: {source}");
                used.insert(source);
            }
        }
        for (other, condition) in service
            .get("depends_on")
            .map(|value| mapping(value).clone())
            .unwrap_or_default()
        {
            let other = other.as_str().unwrap();
            let target = services
                .get(other)
                .unwrap_or_else(|| panic!("{name}: {other}"));
            match condition["condition"].as_str().unwrap() {
                "service_healthy" => assert!(
                    is_passline(target) || target.get("healthcheck").is_some(),
                    "{name} waits for the health of {other}"
                ),
                "service_completed_successfully" => {
                    assert!(target.get("restart").is_none(), "{other} ends");
                }
                condition => panic!("{name}: {condition}"),
            }
        }
        let ends = service.get("restart").is_none() || service.get("profiles").is_some();
        assert!(
            ends || service["restart"].as_str() == Some("unless-stopped"),
            "{name} is started again"
        );
    }
    let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
    assert_eq!(used, declared, "volumes used and declared");
}

#[test]
fn every_command_and_configuration_is_one_that_the_program_takes() {
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for (name, service) in services() {
        if !is_passline(&service) {
            continue;
        }
        let mut arguments = arguments(&service);
        match configuration(&service, folder.path()) {
            Some(file) => {
                let at = arguments
                    .iter()
                    .position(|word| word == "--config")
                    .unwrap();
                arguments[at + 1] = file.to_string_lossy().into_owned();
                arguments.push("--check".to_owned());
                checked += 1;
            }
            None => arguments.push("--help".to_owned()),
        }
        let output = run(passline().args(&arguments));
        assert!(output.status.success(), "{name}: {arguments:?}: {output:?}");
    }
    assert_eq!(checked, 2, "station and ingest");
    let wrong = run(passline().args(["sql", "--dataa", "x", "--help"]));
    assert!(!wrong.status.success(), "--help does not hide a wrong flag");
}

#[test]
fn ports_lead_to_something_that_listens() {
    for (name, service) in services() {
        let listens: BTreeSet<String> = match is_passline(&service) {
            true => configuration_values(&service).map_or_else(BTreeSet::new, |values| {
                let links = values.get("link").and_then(toml::Value::as_array);
                let mut addresses: Vec<(String, &str)> = links
                    .into_iter()
                    .flatten()
                    .filter_map(|link| {
                        let udp = link.get("kind")?.as_str() == Some("udp");
                        let address = link.get("address")?.as_str()?.to_owned();
                        Some((address, if udp { "udp" } else { "tcp" }))
                    })
                    .collect();
                addresses.push((values["http"]["listen"].as_str().unwrap().to_owned(), "tcp"));
                addresses
                    .iter()
                    .map(|(address, protocol)| {
                        let (host, port) = address.rsplit_once(':').unwrap();
                        assert_eq!(host, "0.0.0.0", "{name}: reachable from outside");
                        format!("{port}/{protocol}")
                    })
                    .collect()
            }),
            false => BTreeSet::new(),
        };
        let mut published = BTreeSet::new();
        for port in texts(service.get("ports")) {
            let target = port.rsplit(':').next().unwrap().to_owned();
            assert!(listens.contains(&target), "{name}: {port}");
            published.insert(target);
        }
        if name == "station" {
            assert_eq!(published, listens, "every link can be reached");
        }
    }
}

#[test]
fn the_services_find_kafka_and_the_store() {
    let services = services();
    let listening = |host: &str, port: &str| {
        let service = services
            .get(host)
            .unwrap_or_else(|| panic!("there is no {host}"));
        let environment = mapping(&service["environment"]);
        let kafka = environment
            .get("KAFKA_LISTENERS")
            .and_then(Value::as_str)
            .is_some_and(|listeners| listeners.contains(&format!("PLAINTEXT://:{port},")));
        let store = texts(service.get("command")).contains(&format!(":{port}"));
        assert!(kafka || store, "{host} does not listen on {port}");
    };
    let mut kafka_nodes = BTreeSet::new();
    for name in ["station", "ingest"] {
        let values = configuration_values(&services[name]).unwrap();
        let servers = values["bus"]["kafka"]["bootstrap_servers"]
            .as_array()
            .unwrap();
        assert_eq!(servers.len(), 3);
        for server in servers {
            let (host, port) = server.as_str().unwrap().split_once(':').unwrap();
            listening(host, port);
            kafka_nodes.insert(host.to_owned());
        }
    }
    let mut identifiers = BTreeSet::new();
    for node in &kafka_nodes {
        let environment = mapping(&services[node]["environment"]);
        let value = |key: &str| environment[key].as_str().unwrap();
        let identifier = value("KAFKA_NODE_ID");
        identifiers.insert(identifier);
        assert!(
            value("KAFKA_CONTROLLER_QUORUM_VOTERS").contains(&format!("{identifier}@{node}:9093"))
        );
        assert_eq!(
            value("KAFKA_ADVERTISED_LISTENERS"),
            format!("PLAINTEXT://{node}:9092")
        );
    }
    assert_eq!(identifiers.len(), 3, "each node has its own number");
    for name in ["ingest", "query"] {
        let environment = mapping(&services[name]["environment"]);
        let endpoint = environment["AWS_ENDPOINT_URL"].as_str().unwrap();
        let (host, port) = endpoint
            .trim_start_matches("http://")
            .split_once(':')
            .unwrap();
        listening(host, port);
        let store = mapping(&services["store"]["environment"]);
        assert_eq!(environment["AWS_ACCESS_KEY_ID"], store["ROOT_ACCESS_KEY"]);
        assert_eq!(
            environment["AWS_SECRET_ACCESS_KEY"],
            store["ROOT_SECRET_KEY"]
        );
    }
    // The same bucket is made, written and asked.
    let bucket = texts(services["bucket"].get("command")).pop().unwrap();
    let bucket = bucket.strip_prefix("/store/").unwrap().to_owned();
    let folder = configuration_values(&services["ingest"]).unwrap()["data"]["folder"].clone();
    assert!(
        folder
            .as_str()
            .unwrap()
            .starts_with(&format!("s3://{bucket}/"))
    );
    assert!(arguments(&services["query"]).contains(&folder.as_str().unwrap().to_owned()));
}
