# The chart: its secrets, the backup before an upgrade, the installation, and the way back to the revision before.
# shellcheck shell=bash

REVISION_BEFORE=""
IS_TO_BE_ROLLED_BACK=false

connect_to_cluster() {
  begin "Cluster" "The API of the cluster is reached from inside of its network only: use a machine there, or a VPN."
  run aws eks update-kubeconfig --region "$REGION" --name "$(output cluster)" --kubeconfig "$KUBECONFIG_FILE"
  export KUBECONFIG=$KUBECONFIG_FILE
  run kubectl version --request-timeout=20s
}

write_secrets() {
  begin "Secrets" "Write the values as docs/deploy-aws.md says. Nothing new runs yet."
  run kubectl create namespace "$NAMESPACE" --dry-run=client -o yaml \
    '|' kubectl apply --server-side -f -
  run kubectl label namespace "$NAMESPACE" --overwrite pod-security.kubernetes.io/enforce=restricted
  SECRETS_BEFORE=$(secret_versions)
  write_secret runs
  write_secret services
  write_secret keys
  SECRETS_NOW=$(secret_versions)
}

# write_secret runs|services|keys: what is in Secrets Manager becomes a secret of the namespace. No value is printed.
write_secret() {
  local arns
  read -r -a arns <<< "$(output secret_arns)"
  run aws secretsmanager batch-get-secret-value --region "$REGION" --secret-id-list "${arns[@]}" --output json \
    '|' python3 "$DOCUMENTS" secret "$1" \
    '|' kubectl apply --server-side --force-conflicts -n "$NAMESPACE" -f -
}

secret_versions() {
  output_of "<versions>" kubectl get secrets -n "$NAMESPACE" sync-platform-runs sync-platform-services sync-platform-keys \
    --ignore-not-found -o 'jsonpath={.items[*].metadata.resourceVersion}'
}

back_up() {
  begin "Backup before the upgrade" "The chart was not changed. Where the installed version cannot make a backup: SKIP_BACKUP=yes."
  REVISION_BEFORE=$(output_of "<revision>" helm list -n "$NAMESPACE" --filter "^sync-platform$" -o json \
    '|' python3 "$DOCUMENTS" revision)
  if [[ -z $REVISION_BEFORE ]]; then
    say "the chart is not installed yet: there is nothing to back up"
  elif [[ ${SKIP_BACKUP:-} == yes ]]; then
    say "left out: SKIP_BACKUP=yes"
  else
    note "where the chart is installed already"
    run_in_server backup create
  fi
}

# run_in_server COMMAND...: a command of the program in a pod of the server.
run_in_server() {
  run kubectl exec -n "$NAMESPACE" deploy/sync-platform-server -- sync-platform "$@"
}

install_chart() {
  begin "Chart" "Helm has rolled back what it began. Its message is above; so are the logs of the pods:
kubectl -n $NAMESPACE get pods,jobs,events. Where a killed deployment left it pending: helm rollback sync-platform -n $NAMESPACE"
  run python3 "$DOCUMENTS" values "$OUTPUTS" "$TAG" '>' "$GENERATED_VALUES"
  run helm upgrade --install sync-platform "$CHART" -n "$NAMESPACE" --values "$FOLDER/values.yaml" \
    --values "$GENERATED_VALUES" --atomic --timeout 20m
  IS_TO_BE_ROLLED_BACK=true
  if $IS_DRY_RUN || [[ -n $REVISION_BEFORE && $SECRETS_BEFORE != "$SECRETS_NOW" ]]; then
    note "where a secret of an installed chart has changed: pods read secrets at their start only"
    restart_pods
  fi
  note "where a step below fails, and the chart was installed before: helm rollback sync-platform <revision>"
}

restart_pods() {
  run kubectl rollout restart deployment -n "$NAMESPACE" -l app.kubernetes.io/instance=sync-platform
  run kubectl rollout status deployment -n "$NAMESPACE" -l app.kubernetes.io/instance=sync-platform --timeout=10m
}

roll_back_chart() {
  $IS_TO_BE_ROLLED_BACK || return 0
  IS_TO_BE_ROLLED_BACK=false
  if [[ -z $REVISION_BEFORE ]]; then
    printf '%s\n' "This was the first installation: it stays, so that you can look at it." >&2
    return 0
  fi
  printf '%s\n' "The chart goes back to revision $REVISION_BEFORE." >&2
  helm rollback sync-platform "$REVISION_BEFORE" -n "$NAMESPACE" --wait --timeout 20m >&2 ||
    printf '%s\n' "That failed: helm history sync-platform -n $NAMESPACE" >&2
  printf '%s\n' "If its pods say that a newer version made the database, the upgrade had migrated it: docs/deploy.md, Upgrades." >&2
}

uninstall_chart() {
  local cluster
  begin "Uninstall the chart" "helm status sync-platform -n $NAMESPACE"
  cluster=$(output_of "<cluster>" aws eks list-clusters --region "$REGION" \
    --query "clusters[?@=='$(output cluster)']" --output text)
  if [[ -z $cluster ]]; then
    say "there is no cluster any more"
    return
  fi
  note "where the cluster still exists"
  connect_to_cluster
  run helm uninstall sync-platform -n "$NAMESPACE" --ignore-not-found --wait
}
