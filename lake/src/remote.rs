//! Object stores: connecting to one, and what its refusals mean.
//!
//! Commits are conditional puts ("create, unless it exists"), which S3, Google Cloud Storage and
//! Azure all have. Every request has a deadline and few retries: whoever waits learns in seconds
//! that a store is gone.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
    WriteMultipart,
};
use tokio::sync::Semaphore;
use url::Url;

use crate::error::LakeError;

/// A bucket, and the path of the lake in it.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Of the lake's tables.
    pub(crate) prefix: Path,
    /// `s3://bucket`, without the path.
    pub(crate) bucket: Url,
    /// As the user named it.
    pub(crate) shown: String,
    /// Uploads that may still begin; then storing waits.
    pub(crate) turns: Arc<Semaphore>,
    /// Whether a key, or what stands for one, is set.
    keyed: bool,
}

impl Remote {
    /// Prepares to talk to a store; nothing is asked yet.
    pub(crate) fn connect(
        url: &Url,
        settings: &BTreeMap<String, String>,
        shown: String,
    ) -> Result<Self, LakeError> {
        let refused = |what: String| LakeError::Location {
            location: shown.clone(),
            what,
        };
        let path = Path::from_url_path(url.path()).map_err(|error| refused(error.to_string()))?;
        let mut bucket = url.clone();
        bucket.set_path("");
        let failed = |error: object_store::Error| refused(error.to_string());
        let (store, keyed): (Arc<dyn ObjectStore>, bool) = match url.scheme() {
            "s3" | "s3a" => {
                let set = all_settings::<AmazonS3ConfigKey>("AWS_", settings);
                let set = set.map_err(refused)?;
                let keyed = set.iter().any(|(key, _)| S3_KEYS.contains(key));
                let mut builder = AmazonS3Builder::new()
                    .with_url(url.as_str())
                    .with_conditional_put(S3ConditionalPut::ETagMatch);
                for (key, value) in set {
                    builder = builder.with_config(key, value);
                }
                let allow_http = builder.get_config_value(&AmazonS3ConfigKey::Client(ALLOW_HTTP));
                let store = builder
                    .with_client_options(client_options(allow_http.as_deref()))
                    .with_retry(retries())
                    .build()
                    .map_err(failed)?;
                (Arc::new(store), keyed)
            }
            "gs" => {
                let set = all_settings::<GoogleConfigKey>("GOOGLE_", settings).map_err(refused)?;
                let keyed = !set.is_empty();
                let mut builder = GoogleCloudStorageBuilder::new().with_url(url.as_str());
                for (key, value) in set {
                    builder = builder.with_config(key, value);
                }
                let allow_http = builder.get_config_value(&GoogleConfigKey::Client(ALLOW_HTTP));
                let store = builder
                    .with_client_options(client_options(allow_http.as_deref()))
                    .with_retry(retries())
                    .build()
                    .map_err(failed)?;
                (Arc::new(store), keyed)
            }
            _ => {
                let set = all_settings::<AzureConfigKey>("AZURE_", settings).map_err(refused)?;
                let keyed = !set.is_empty();
                let mut builder = MicrosoftAzureBuilder::new().with_url(url.as_str());
                for (key, value) in set {
                    builder = builder.with_config(key, value);
                }
                let allow_http = builder.get_config_value(&AzureConfigKey::Client(ALLOW_HTTP));
                let store = builder
                    .with_client_options(client_options(allow_http.as_deref()))
                    .with_retry(retries())
                    .build()
                    .map_err(failed)?;
                (Arc::new(store), keyed)
            }
        };
        Ok(Self {
            store,
            prefix: path.join(LAKE),
            bucket,
            shown,
            turns: Arc::new(Semaphore::new(UPLOADS_AT_ONCE)),
            keyed,
        })
    }

    /// Asks something that must be answered soon.
    pub(crate) async fn ask<T>(
        &self,
        doing: &'static str,
        asking: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<T, LakeError> {
        match tokio::time::timeout(ANSWER_WITHIN, asking).await {
            Ok(answer) => answer.map_err(|error| self.refusal(doing, Box::new(error))),
            Err(elapsed) => Err(self.refusal(doing, Box::new(elapsed))),
        }
    }

    /// Writes an object whole; a large one in parts.
    pub(crate) async fn put(&self, path: &Path, octets: PutPayload) -> Result<(), LakeError> {
        let written = if octets.content_length() <= PART_OCTETS {
            self.store.put(path, octets).await.map(drop)
        } else {
            self.put_parts(path, octets).await
        };
        written.map_err(|error| self.refusal("writing", Box::new(error)))
    }

    async fn put_parts(&self, path: &Path, octets: PutPayload) -> Result<(), object_store::Error> {
        let upload = self.store.put_multipart(path).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_OCTETS);
        for part in octets {
            writer.wait_for_capacity(PARTS_AT_ONCE).await?;
            writer.put(part);
        }
        writer.finish().await.map(drop)
    }

    /// What an error of the store means, and what to do.
    pub(crate) fn refusal(
        &self,
        doing: &'static str,
        source: Box<dyn std::error::Error + Send + Sync>,
    ) -> LakeError {
        let mut text = source.to_string();
        let mut cause = source.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let location = self.shown.clone();
        let bucket = self.bucket.to_string();
        if !self.keyed && !says(NO_BUCKET) {
            LakeError::NoKey { location }
        } else if says(NO_BUCKET) {
            LakeError::NoBucket { location, bucket }
        } else if says(WRONG_KEY) {
            LakeError::WrongKey { location, source }
        } else if says(DENIED) {
            LakeError::Denied {
                location,
                doing,
                source,
            }
        } else if says(GONE) {
            LakeError::Unreachable { location, source }
        } else {
            LakeError::Store {
                location,
                doing,
                source,
            }
        }
    }
}

/// Settings of a store: the environment's, then the credentials file's over them.
fn all_settings<K: FromStr>(
    prefix: &str,
    settings: &BTreeMap<String, String>,
) -> Result<Vec<(K, String)>, String> {
    let mut all = Vec::new();
    for (name, value) in std::env::vars_os() {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
            && name.starts_with(prefix)
            && let Ok(key) = name.to_ascii_lowercase().parse()
        {
            all.push((key, value.to_owned()));
        }
    }
    for (name, value) in settings {
        let key = name
            .parse()
            .map_err(|_| format!("the credentials file sets {name}, which is no setting of it"))?;
        all.push((key, value.clone()));
    }
    Ok(all)
}

fn client_options(allow_http: Option<&str>) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(allow_http.is_some_and(|flag| matches!(flag, "true" | "1" | "yes")))
        .with_connect_timeout(CONNECT_WITHIN)
        .with_timeout(REQUEST_WITHIN)
}

fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: 5,
        retry_timeout: RETRY_WITHIN,
    }
}

const ALLOW_HTTP: object_store::ClientConfigKey = object_store::ClientConfigKey::AllowHttp;

/// What stands for a key of S3.
const S3_KEYS: [AmazonS3ConfigKey; 6] = [
    AmazonS3ConfigKey::AccessKeyId,
    AmazonS3ConfigKey::WebIdentityTokenFile,
    AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    AmazonS3ConfigKey::ContainerCredentialsFullUri,
    AmazonS3ConfigKey::SkipSignature,
    AmazonS3ConfigKey::MetadataEndpoint,
];

/// How stores say that a bucket is missing.
const NO_BUCKET: &[&str] = &["NoSuchBucket", "ContainerNotFound", "bucket does not exist"];

/// How stores say that a key is wrong.
const WRONG_KEY: &[&str] = &[
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "UserNotFound",
    "ExpiredToken",
    "AuthenticationFailed",
    "invalid_grant",
    "401 Unauthorized",
];

/// How stores say that a key may not do this.
const DENIED: &[&str] = &["AccessDenied", "403 Forbidden", "permission"];

/// How a connection says that nobody answers.
const GONE: &[&str] = &[
    "deadline has elapsed",
    "error sending request",
    "HTTP error",
    "tcp connect error",
    "dns error",
    "operation timed out",
    "connection closed",
];

/// The folder of the tables in a location.
pub(crate) const LAKE: &str = "lake";

/// Files on their way at once.
const UPLOADS_AT_ONCE: usize = 8;

/// Octets of a part of a large object.
const PART_OCTETS: usize = 8 << 20;

/// Parts of an object on their way; then writing waits.
const PARTS_AT_ONCE: usize = 4;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
const RETRY_WITHIN: Duration = Duration::from_secs(8);

/// Opening a lake and listing its tables take no longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
