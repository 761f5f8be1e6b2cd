# What must be there before anything is changed: tools, credentials, and the files that an operator writes.
# shellcheck shell=bash

LEAST_TERRAFORM=1.11

check_requirements() {
  begin "Tools and credentials" "Install what is missing, or log in to AWS: aws configure, or aws sso login."
  $IS_DRY_RUN || check_tools
  check_terraform_version
  run aws sts get-caller-identity --region "$REGION"
  if needs_image; then
    run "${BUILDER:-docker}" version
  fi
  $IS_DRY_RUN || check_files
}

needs_image() {
  [[ $ACTION != plan && $ACTION != destroy ]]
}

check_tools() {
  local tool tools=(aws terraform python3) missing=()
  [[ $ACTION == plan ]] || tools+=(kubectl helm)
  ! needs_image || tools+=("${BUILDER:-docker}" git make curl)
  for tool in "${tools[@]}"; do
    command -v "$tool" > /dev/null || missing+=("$tool")
  done
  ((${#missing[@]} == 0)) || fail "not installed: ${missing[*]}"
}

check_terraform_version() {
  local found
  found=$(output_of "Terraform v$LEAST_TERRAFORM" terraform version)
  found=${found%%$'\n'*}
  found=${found#Terraform v}
  printf '%s\n' "$LEAST_TERRAFORM" "$found" | sort -V -C ||
    fail "Terraform $found is installed; $LEAST_TERRAFORM or newer is needed"
}

check_files() {
  local file
  ADVICE="docs/deploy-aws.md says what is in these files."
  for file in "$TERRAFORM/backend.hcl" "$TERRAFORM/terraform.tfvars"; do
    [[ -f $file ]] || fail "$file is missing"
  done
  ! needs_image || [[ -f $FOLDER/values.yaml ]] ||
    fail "$FOLDER/values.yaml is missing: copy infrastructure/deployments/values.yaml.example"
}
