# The arguments, and the names and files that follow from them.
# shellcheck shell=bash

ACTION=""
NAMESPACE=sync-platform
CHART=infrastructure/helm/sync-platform
DOCUMENTS=infrastructure/scripts/deployment/documents.py
VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

read_arguments() {
  local words=()
  while (($# > 0)); do
    case $1 in
      --plan | --apply | --destroy) choose_action "${1#--}" ;;
      --dry-run) IS_DRY_RUN=true ;;
      -h | --help) say "$USAGE" && exit 0 ;;
      -*) refuse "unknown option $1" ;;
      *) words+=("$1") ;;
    esac
    shift
  done
  ((${#words[@]} == 2)) || refuse "name an environment and a region"
  name_everything "${words[@]}"
}

choose_action() {
  [[ -z $ACTION ]] || refuse "choose one of --plan, --apply and --destroy"
  ACTION=$1
}

name_everything() {
  ENVIRONMENT=$1
  REGION=$2
  [[ $ENVIRONMENT =~ ^(development|staging|production)$ ]] ||
    refuse "unknown environment $ENVIRONMENT; there are development, staging and production"
  [[ $REGION =~ ^[a-z]{2}(-[a-z]+)+-[0-9]$ ]] || refuse "$REGION is no region of AWS, such as ap-southeast-1"
  TERRAFORM=infrastructure/terraform/environments/$ENVIRONMENT
  FOLDER=infrastructure/deployments/$ENVIRONMENT
  OUTPUTS=$FOLDER/outputs.json
  GENERATED_VALUES=$FOLDER/generated-values.json
  KUBECONFIG_FILE=$FOLDER/kubeconfig
}

refuse() {
  printf '%s\n' "deploy-production-sync.sh: $1" "" "$USAGE" >&2
  exit 2
}
