#!/usr/bin/env bash
# Deploys sync-platform to AWS: infrastructure, image, chart, migrations, and a check that it works (docs/deploy.md).
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

USAGE="\
Usage: infrastructure/scripts/deploy-production-sync.sh ENVIRONMENT REGION [--plan|--apply|--destroy] [--dry-run]

  ENVIRONMENT  development, staging or production
  REGION       region of AWS, such as ap-southeast-1

  --plan       only show what Terraform would change
  --apply      deploy without a question. Without --plan, --apply and --destroy, it asks after the plan
  --destroy    remove what runs; buckets, keys, databases and secrets stay
  --dry-run    only print the commands, and run none

Environment variables:
  BUILDER          builds the image: docker (the default), podman or buildah
  IMAGE_OPTIONS    more options of the build, such as '--build-arg BASE=...'
  SKIP_BACKUP      yes: no backup before an upgrade
  VERIFY_PLATFORM  platform of the emergency sync at the end (the default: data_gov_hk)
  VERIFY_MINUTES   minutes that this sync may take (the default: 30)

It can be repeated: what is done already is not done again. It stops at the first failure, and says what to do."

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PARTS=infrastructure/scripts/deployment
# shellcheck source=deployment/steps.sh
source "$PARTS/steps.sh"
# shellcheck source=deployment/arguments.sh
source "$PARTS/arguments.sh"
# shellcheck source=deployment/requirements.sh
source "$PARTS/requirements.sh"
# shellcheck source=deployment/terraform.sh
source "$PARTS/terraform.sh"
# shellcheck source=deployment/image.sh
source "$PARTS/image.sh"
# shellcheck source=deployment/chart.sh
source "$PARTS/chart.sh"
# shellcheck source=deployment/verification.sh
source "$PARTS/verification.sh"

deploy() {
  plan_infrastructure
  confirm_plan
  apply_infrastructure
  write_environment
  push_image
  connect_to_cluster
  write_secrets
  back_up
  install_chart
  check_migrations
  verify
  print_addresses
}

main() {
  read_arguments "$@"
  check_requirements
  initialise_terraform
  case $ACTION in
    plan) plan_infrastructure ;;
    destroy) destroy ;;
    *) deploy ;;
  esac
}

main "$@"
