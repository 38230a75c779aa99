//! `make k8s`: a Job that grades a class with Kubernetes.

use super::{Job, Options, fill, quoted, word, write, yaml};
use anyhow::{Result, bail};
use clap::Args;
use machine::workspace::Workspace;
use std::process::ExitCode;

const TEMPLATE: &str = include_str!("job.yaml");
/// Where the volume is mounted in the pods.
const VOLUME: &str = "/grading";

/// The options of `make k8s`.
#[derive(Args)]
pub struct KubernetesOptions {
    #[command(flatten)]
    common: Options,
    /// Into how many parts the submissions are divided.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    shards: u32,
    /// The name of the image that `tools/course/Containerfile` describes, where the cluster finds it.
    #[arg(long)]
    image: Option<String>,
    /// The name of the PersistentVolumeClaim with the submissions.
    #[arg(long, default_value = "grading")]
    claim: String,
}

/// Writes an Indexed Job of Kubernetes.
pub fn kubernetes(workspace: &Workspace, options: &KubernetesOptions) -> Result<ExitCode> {
    let job = options.common.job(workspace)?;
    let Some(image) = &options.image else {
        bail!(
            "Say where the cluster finds the image, as in IMAGE=registry.example.org/grader. This builds it: \
             buildah build --file tools/course/Containerfile --ignorefile tools/course/Containerfile.dockerignore --tag registry.example.org/grader ."
        );
    };
    let text = manifest(&job, options.shards, image, &options.claim)?;
    let (out, name) = (job.out(workspace, "-job.yaml"), job.name());
    write(&out, &text)?;
    println!("{}", out.display());
    println!("The volume of the claim {} needs the folder submissions.", options.claim);
    if job.private.is_some() {
        println!("Your own exercises belong into its folder exercises.");
    }
    println!("  kubectl apply -f {}", quoted(&word(&out)?)?);
    println!("  kubectl get job/{name} --watch   (until it is complete, or has failed)");
    println!("  kubectl patch job/{name}-tables -p '{{\"spec\":{{\"suspend\":false}}}}'   (makes the tables)");
    Ok(ExitCode::SUCCESS)
}

fn manifest(job: &Job, shards: u32, image: &str, claim: &str) -> Result<String> {
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
    if claim.is_empty() || claim.len() > 253 || !claim.chars().all(is_name) {
        bail!("CLAIM has small letters, digits, hyphens and points, and \"{claim}\" has others.");
    }
    let is_image = |letter: char| letter.is_ascii_alphanumeric() || "-._/:@".contains(letter);
    if image.is_empty() || !image.chars().all(is_image) {
        bail!("\"{image}\" cannot be the name of an image.");
    }
    let env = |(name, value): (&str, String)| format!("        - {{name: {name}, value: {}}}\n", yaml(&value));
    let env: String = job.variables(VOLUME).into_iter().map(env).collect();
    // Bubblewrap makes namespaces and mounts /proc. A pod may do both if its root is not that of the host.
    let (host_users, security) = if job.is_boxed() {
        let why = "# Tests on the host run in bubblewrap, which needs these. Without them, they become infra_error.";
        let host_users = format!("\n      {why}\n      hostUsers: false");
        (host_users, "{procMount: Unmasked, seccompProfile: {type: Unconfined}}")
    } else {
        (
            String::new(),
            "{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}",
        )
    };
    Ok(fill(
        TEMPLATE,
        &[
            ("EXERCISE", job.exercise.about.number.as_str()),
            ("SHARDS", &shards.to_string()),
            ("NAME", &job.name()),
            ("IMAGE", &yaml(image)),
            ("CLAIM", &yaml(claim)),
            ("ENV", env.trim_end()),
            ("HOST_USERS", &host_users),
            ("SECURITY", security),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::tests::{BAD, documents, job};
    use serde_json::json;

    #[test]
    fn the_job_for_kubernetes_has_a_pod_for_each_shard() {
        let text = manifest(&job("", None), 20, "registry.example.org:5000/grader:1", "class").expect("good names");
        let [shards, tables] = &documents(&text)[..] else { panic!("two documents are in\n{text}") };
        assert_eq!(shards["metadata"]["name"], "grade-09-two-words");
        assert_eq!(tables["spec"]["suspend"], true);
        let spec = &shards["spec"];
        assert_eq!((&spec["completions"], &spec["parallelism"]), (&json!(20), &json!(20)));
        assert_eq!(spec["completionMode"], "Indexed");
        let pod = &spec["template"]["spec"];
        assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "class");
        let container = &pod["containers"][0];
        assert_eq!(container["image"], "registry.example.org:5000/grader:1");
        assert_eq!(container["command"], json!(["make", "grade"]));
        let env = json!([
            {"name": "SHARDS", "value": "20"},
            {"name": "EXERCISE", "value": "9.2"},
            {"name": "SEED", "value": "4711"},
            {"name": "SUBMISSIONS", "value": "/grading/submissions"},
            {"name": "RESULTS", "value": "/grading/grades/09-Two_words"},
        ]);
        assert_eq!(container["env"], env);
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        let merged = &tables["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(merged["env"].as_array(), env.as_array().map(|all| all[1..].to_vec()).as_ref());
    }

    #[test]
    fn a_pod_may_make_a_box_only_for_an_exercise_that_needs_one() {
        let pods = |host| {
            let text = manifest(&job(host, Some("mine")), 3, "grader", "class").expect("good names");
            documents(&text).into_iter().map(|job| job["spec"]["template"]["spec"].clone()).collect::<Vec<_>>()
        };
        for pod in pods("'a::b'") {
            let security = &pod["containers"][0]["securityContext"];
            assert_eq!((&pod["hostUsers"], &security["procMount"]), (&json!(false), &json!("Unmasked")));
            let env = pod["containers"][0]["env"].as_array().expect("a list").clone();
            assert!(env.contains(&json!({"name": "EXERCISES", "value": "/grading/exercises"})));
        }
        assert!(pods("").iter().all(|pod| pod["hostUsers"].is_null()));
    }

    #[test]
    fn names_that_kubernetes_would_misread_are_refused() {
        for bad in BAD {
            assert!(manifest(&job("", None), 2, bad, "class").is_err(), "image {bad:?}");
            assert!(manifest(&job("", None), 2, "grader", bad).is_err(), "claim {bad:?}");
        }
    }
}
