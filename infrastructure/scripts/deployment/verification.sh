# Whether what was deployed works: stored versions, the health endpoint, and an emergency sync of low priority.
# shellcheck shell=bash

EVERY_S=10

check_migrations() {
  begin "Migrations" "The hook of the chart migrates: kubectl -n $NAMESPACE logs job/sync-platform-migrate"
  run_in_server migrate --check
}

verify() {
  verify_health
  verify_sync
  IS_TO_BE_ROLLED_BACK=false
}

verify_health() {
  begin "Health" "Does the name lead to the ingress controller, and is its certificate valid? Is the server ready:
kubectl -n $NAMESPACE logs deploy/sync-platform-server"
  ADDRESS=$(output_of "<address>" kubectl get configmap sync-platform-settings -n "$NAMESPACE" -o 'jsonpath={.data.SERVE_URL}')
  run curl --fail --silent --show-error --max-time 20 --retry 30 --retry-delay 10 --retry-all-errors "$ADDRESS/readyz"
  say ""
}

verify_sync() {
  local request platform=${VERIFY_PLATFORM:-data_gov_hk}
  begin "Emergency sync of $platform" "Look at it: kubectl -n $NAMESPACE exec deploy/sync-platform-server -- sync-platform emergency status"
  request=$(output_of "<request>" kubectl exec -n "$NAMESPACE" deploy/sync-platform-server -- \
    sync-platform emergency "$platform" --priority low --requester deployment --reason "check of $TAG" --json \
    '|' python3 "$DOCUMENTS" field request_id)
  if $IS_DRY_RUN; then
    note "every $EVERY_S s, until it ends"
    run_in_server emergency status "$request" --json
  else
    wait_for_request "$request"
  fi
}

wait_for_request() {
  local report state="not known" deadline=$((SECONDS + 60 * ${VERIFY_MINUTES:-30}))
  while ((SECONDS < deadline)); do
    report=$(run_in_server emergency status "$1" --json) || true # 1 where it failed, or where the pod is replaced
    [[ -z $report ]] || state=$(python3 "$DOCUMENTS" field status <<< "$report")
    case $state in
      complete) say "request $1: complete" && return ;;
      requested | running | "not known") sleep "$EVERY_S" ;;
      *) fail "$report" "request $1: $state" ;;
    esac
  done
  fail "request $1: its state is still $state after ${VERIFY_MINUTES:-30} minutes"
}

print_addresses() {
  begin "Deployed: sync-platform $TAG in $ENVIRONMENT ($REGION)" ""
  say "server     $ADDRESS" \
    "API        $ADDRESS/docs" \
    "Dagster    $ADDRESS/dagster/" \
    "dashboard  https://$REGION.console.aws.amazon.com/cloudwatch/home?region=$REGION#dashboards:name=DataSync-$ENVIRONMENT" \
    "settings   $FOLDER/environment"
}
