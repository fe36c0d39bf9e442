//! Clusters that do not let everybody in, and clusters that are not there.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use bus::{Bus, BusError, KafkaConfig, Mechanism, Sasl, Tls, Topic};
use tests::kafka::{KafkaCluster, Setup};

use crate::support::{config, error_of, headers, json, read_exactly};

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let config = KafkaConfig {
        bootstrap_servers: vec![format!("127.0.0.1:{port}")],
        connect_timeout_ms: 1_500,
        ..KafkaConfig::default()
    };
    let error = error_of(Bus::connect(config));
    assert!(matches!(&error, BusError::Unreachable { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.contains(&port.to_string()) && said.contains("1500 ms"),
        "{said}"
    );
}

#[test]
fn wrong_settings_are_named() {
    let good = KafkaConfig {
        bootstrap_servers: vec!["localhost:1".into()],
        ..KafkaConfig::default()
    };
    for (config, says) in [
        (
            KafkaConfig::default(),
            "bootstrap_servers: each must be host:port",
        ),
        (
            KafkaConfig {
                partitions: 0,
                ..good.clone()
            },
            "partitions: 0 is not in 1 to 10000",
        ),
        (
            KafkaConfig {
                topic_prefix: "a b".into(),
                ..good.clone()
            },
            "topic_prefix",
        ),
        (
            KafkaConfig {
                tls: Some(Tls {
                    authority: Some("/no/such/file.pem".into()),
                    ..Tls::default()
                }),
                ..good
            },
            "/no/such/file.pem: No such file",
        ),
    ] {
        let said = error_of(Bus::connect(config)).to_string();
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_wrong_password_is_named_and_rights_are_kept() {
    let setup = Setup {
        protocol: "SASL_PLAINTEXT",
        users: vec![("operator", "correct"), ("guest", "welcome")],
        properties: vec![
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer".into(),
            "super.users=User:ANONYMOUS;User:operator".into(),
        ],
    };
    let Some(cluster) = KafkaCluster::start_with(1, &setup) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let base = config(&cluster);
    let as_user = |username: &str, password: &str| {
        let password_file = folder.path().join(format!("{username}-{password}"));
        std::fs::write(&password_file, format!("{password}\n")).unwrap();
        KafkaConfig {
            sasl: Some(Sasl {
                mechanism: Mechanism::ScramSha256,
                username: username.into(),
                password_file,
            }),
            ..base.clone()
        }
    };
    let started = std::time::Instant::now();
    let error = error_of(Bus::connect(as_user("operator", "wrong")));
    assert!(matches!(&error, BusError::Authentication { .. }), "{error}");
    assert!(started.elapsed().as_secs() < 20);
    let said = error.to_string();
    assert!(
        said.contains(&base.bootstrap_servers[0]) && !said.contains("wrong"),
        "{said}"
    );
    let bus = Bus::connect(as_user("operator", "correct")).unwrap();
    let producer = bus.producer(headers("c")).unwrap();
    producer.publish(Topic::TmEvents, json(0..5)).unwrap();
    producer.flush().unwrap();
    read_exactly(&mut bus.read_from(Topic::TmEvents, 0, 0).unwrap(), 5);
    let guest = Bus::connect(as_user("guest", "welcome")).unwrap();
    let error = error_of(guest.producer(headers("d")));
    assert!(matches!(&error, BusError::Authorization { .. }), "{error}");
}

#[test]
fn tls_lets_valid_certificates_in_and_names_an_expired_one() {
    let Some(folder) = certificates() else { return };
    let file = |name: &str| folder.path().join(name);
    let setup = |certificate: &str| Setup {
        protocol: "SSL",
        users: Vec::new(),
        properties: vec![
            "listener.name.client.ssl.keystore.type=PEM".into(),
            format!(
                "listener.name.client.ssl.keystore.location={}",
                file(certificate).display()
            ),
            "listener.name.client.ssl.truststore.type=PEM".into(),
            format!(
                "listener.name.client.ssl.truststore.location={}",
                file("ca.pem").display()
            ),
            "listener.name.client.ssl.client.auth=required".into(),
        ],
    };
    let Some(cluster) = KafkaCluster::start_with(1, &setup("broker.pem")) else {
        return;
    };
    let as_client = |cluster: &KafkaCluster, name: &str| KafkaConfig {
        tls: Some(Tls {
            authority: Some(file("ca.pem")),
            certificate: Some(file(&format!("{name}.crt"))),
            key: Some(file(&format!("{name}.key"))),
            key_password_file: None,
        }),
        connect_timeout_ms: 15_000,
        ..config(cluster)
    };
    let bus = Bus::connect(as_client(&cluster, "client")).unwrap();
    let producer = bus.producer(headers("c")).unwrap();
    producer.publish(Topic::TmEvents, json(0..5)).unwrap();
    producer.flush().unwrap();
    read_exactly(&mut bus.read_from(Topic::TmEvents, 0, 0).unwrap(), 5);
    let error = error_of(Bus::connect(as_client(&cluster, "expired")));
    assert!(
        matches!(&error, BusError::Tls { .. }),
        "client's certificate: {error}"
    );
    drop((producer, bus, cluster));
    let Some(cluster) = KafkaCluster::start_with(1, &setup("expired.pem")) else {
        return;
    };
    let error = error_of(Bus::connect(as_client(&cluster, "client")));
    assert!(
        matches!(&error, BusError::Tls { .. }),
        "broker's certificate: {error}"
    );
    assert!(error.to_string().contains("valid today"), "{error}");
}

/// An authority, and certificates for a broker and a client, one of each expired.
fn certificates() -> Option<tempfile::TempDir> {
    if Command::new("openssl").arg("version").output().is_err() {
        tests::skip("openssl is absent, which makes the certificates");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
    };
    let key = ["-newkey", "rsa:2048", "-noenc"];
    run(&[
        &["req", "-x509", "-subj", "/CN=authority", "-days", "2"],
        &key[..],
        &["-keyout", "ca.key", "-out", "ca.pem"],
    ]
    .concat());
    std::fs::write(
        folder.path().join("names"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("index.txt"), "").unwrap();
    std::fs::write(
        folder.path().join("ca.cnf"),
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("serial"), "01\n").unwrap();
    for (name, from, to) in [
        ("broker", "20200101000000Z", "20991231000000Z"),
        ("client", "20200101000000Z", "20991231000000Z"),
        ("expired", "20200101000000Z", "20200201000000Z"),
    ] {
        let (key_file, request, certificate) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.crt"),
        );
        run(&[
            &["req", "-subj", "/CN=localhost"],
            &key[..],
            &["-keyout", &key_file, "-out", &request],
        ]
        .concat());
        run(&[
            "ca",
            "-batch",
            "-notext",
            "-config",
            "ca.cnf",
            "-cert",
            "ca.pem",
            "-keyfile",
            "ca.key",
            "-extfile",
            "names",
            "-startdate",
            from,
            "-enddate",
            to,
            "-in",
            &request,
            "-out",
            &certificate,
        ]);
        join(
            folder.path(),
            &[&key_file, &certificate],
            &format!("{name}.pem"),
        );
    }
    Some(folder)
}

/// Key and certificate in one file, as a Java key store in PEM has them.
fn join(folder: &Path, parts: &[&str], whole: &str) -> PathBuf {
    let text: String = parts
        .iter()
        .map(|part| std::fs::read_to_string(folder.join(part)).unwrap())
        .collect();
    let path = folder.join(whole);
    std::fs::write(&path, text).unwrap();
    path
}
