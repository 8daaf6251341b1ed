//! Where bytes are kept: a folder, or a bucket of whatever speaks S3.
use anyhow::{Context, bail, ensure};
use object_store::{
    ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey as Key},
    local::LocalFileSystem,
    path::Path as Prefix,
    prefix::PrefixStore,
};
use std::{path::Path, sync::Arc, time::Duration};
use url::Url;

/// How long a server that keeps files may take to accept a connection, and then say nothing.
const CONNECTING: Duration = Duration::from_secs(3);
const SILENCE: Duration = Duration::from_secs(10);
/// What failed in passing is tried again for so long.
const TRYING: Duration = Duration::from_secs(8);
const TRIES: usize = 3;
/// Where a server is that does not say.
const REGION: &str = "us-east-1";

pub type Store = Arc<dyn ObjectStore>;

/// A folder that nobody else may look into. What is written there is as safe as the disk once it counts as written.
pub fn folder(path: &Path) -> anyhow::Result<Store> {
    make_private(path)?;
    Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true)))
}

pub fn make_private(folder: &Path) -> anyhow::Result<()> {
    let mut made = std::fs::DirBuilder::new();
    made.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut made, 0o700);
    made.create(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// What `s3://bucket/prefix?endpoint=…&region=…` names, with the credentials of the `AWS_…` variables.
pub fn bucket(url: &str) -> anyhow::Result<Store> {
    let place = Place::parse(url)?;
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(&place.bucket);
    let known = |key| builder.get_config_value(&key);
    // Else whoever forgot them waits for an answer from the machines of another company.
    ensure!(
        known(Key::AccessKeyId).is_some() || place.endpoint.is_none(),
        "--files-url needs credentials: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    );
    if known(Key::Region).is_none() && known(Key::DefaultRegion).is_none() {
        builder = builder.with_region(REGION);
    }
    if let Some(region) = place.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = place.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    // The TLS that reqwest uses. That somebody chose before is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let speaking = ClientOptions::new()
        .with_allow_http(true)
        .with_connect_timeout(CONNECTING)
        .with_read_timeout(SILENCE)
        // A picture may be looked at through a slow line.
        .with_timeout_disabled();
    let retry = RetryConfig { max_retries: TRIES, retry_timeout: TRYING, ..RetryConfig::default() };
    let store = builder
        .with_client_options(speaking)
        .with_retry(retry)
        // Not everything that speaks S3 has it.
        .with_disable_bulk_delete(true)
        .build()
        .context("cannot use --files-url")?;
    Ok(Arc::new(PrefixStore::new(store, place.prefix)))
}

#[derive(Debug)]
struct Place {
    bucket: String,
    prefix: Prefix,
    endpoint: Option<String>,
    region: Option<String>,
}

impl Place {
    fn parse(url: &str) -> anyhow::Result<Self> {
        let form = "--files-url must look like s3://bucket/prefix?endpoint=https://s3.example.com&region=eu-1";
        let url = Url::parse(url).context(form)?;
        let bucket = url.host_str().unwrap_or_default().to_owned();
        ensure!(url.scheme() == "s3" && !bucket.is_empty() && url.port().is_none(), form);
        ensure!(
            url.username().is_empty() && url.password().is_none(),
            "--files-url holds no credentials; give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
        let prefix = Prefix::from_url_path(url.path()).context(form)?;
        let (mut endpoint, mut region) = (None, None);
        for (name, value) in url.query_pairs() {
            match &*name {
                "endpoint" => endpoint = Some(address(&value)?),
                "region" if !value.is_empty() => region = Some(value.into_owned()),
                _ => bail!(
                    "--files-url: {name}={value} is no setting; there are endpoint and region"
                ),
            }
        }
        Ok(Self { bucket, prefix, endpoint, region })
    }
}

/// Without the slash at the end, as paths are added to it.
fn address(endpoint: &str) -> anyhow::Result<String> {
    let url = Url::parse(endpoint);
    let fits = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    ensure!(
        url.as_ref().is_ok_and(fits),
        "--files-url: the endpoint {endpoint} must look like https://s3.example.com"
    );
    Ok(endpoint.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_bucket_is_read_as_it_was_meant_and_anything_else_refused_in_words() {
        let place = Place::parse(
            "s3://shop-files/kefu/one?endpoint=http://127.0.0.1:9000/&region=cn-north-1",
        )
        .unwrap();
        assert_eq!((&*place.bucket, place.prefix.as_ref()), ("shop-files", "kefu/one"));
        assert_eq!(place.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(place.region.as_deref(), Some("cn-north-1"));
        assert_eq!(Place::parse("s3://shop-files").unwrap().prefix.as_ref(), "");
        for (odd, told) in [
            ("shop-files", "must look like"),
            ("s3:///prefix", "must look like"),
            ("https://s3.example.com/bucket", "must look like"),
            ("s3://bucket:80/", "must look like"),
            ("s3://key:secret@bucket/", "AWS_ACCESS_KEY_ID"),
            ("s3://bucket?endpoint=s3.example.com", "https://s3.example.com"),
            ("s3://bucket?endpoint=", "https://s3.example.com"),
            ("s3://bucket?region=", "is no setting"),
            ("s3://bucket?acl=public", "endpoint and region"),
        ] {
            let error = format!("{:#}", Place::parse(odd).unwrap_err());
            assert!(error.contains(told), "{odd}: {error}");
        }
    }
}
