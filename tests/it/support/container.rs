//! Containers without a registry: the images that deploy/Containerfile begins with are made here, from Debian's packages.
use std::{
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Images and containers of its own, removed with it.
pub struct Buildah {
    storage: TempDir,
}

/// In place of the compiler: what it would make is there already.
const CARGO: &str = "#!/bin/sh\nmkdir -p target/release && cp /kefu target/release/kefu\n";

impl Buildah {
    pub fn with_base_images() -> Self {
        let debian = std::env::var("KEFU_DEBIAN").expect("tests/run makes a Debian to begin with");
        let all = Self { storage: tempfile::tempdir().unwrap() };
        let (container, cargo) = (all.run(&["from", "scratch"]), all.storage.path().join("cargo"));
        std::fs::write(&cargo, CARGO).unwrap();
        all.run(&["copy", "--quiet", &container, &debian, "/"]);
        all.run(&["commit", "--quiet", &container, "docker.io/library/debian:bookworm-slim"]);
        let kefu = env!("CARGO_BIN_EXE_kefu");
        all.run(&["copy", "--quiet", &container, kefu, "/kefu"]);
        let cargo = cargo.to_str().unwrap();
        all.run(&["copy", "--quiet", "--chmod", "755", &container, cargo, "/usr/bin/cargo"]);
        let authorities = "/etc/ssl/certs/ca-certificates.crt";
        all.run(&["copy", "--quiet", &container, authorities, authorities]);
        all.run(&["commit", "--quiet", &container, "docker.io/library/rust:1-bookworm"]);
        all
    }

    /// Builds what a file says, and answers a container of it.
    pub fn build(&self, file: &Path) -> String {
        let (file, context) = (file.to_str().unwrap(), file.parent().unwrap().to_str().unwrap());
        let chroot = ["--isolation", "chroot", "--pull-never"];
        self.run(&[&["build"], &chroot[..], &["--tag", "built", "--file", file, context]].concat());
        self.run(&["from", "--pull-never", "localhost/built"])
    }

    /// Runs a container with its own entry point and settings.
    pub fn start(&self, container: &str, listen: &str) -> Child {
        let words = |of: &str| format!("{{{{range .OCIv1.Config.{of}}}}}{{{{.}}}} {{{{end}}}}");
        let command = words("Entrypoint") + &words("Cmd");
        let command = self.run(&["inspect", "--format", &command, container]);
        self.command(&["run", "--isolation", "chroot", "--env", listen, container, "--"])
            .args(command.split_whitespace())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "buildah {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut buildah = Command::new("buildah");
        let [root, run] = ["root", "run"].map(|part| self.storage.path().join(part));
        buildah.arg("--root").arg(root).arg("--runroot").arg(run);
        buildah.args(["--storage-driver", "vfs"]).args(args);
        buildah
    }
}
