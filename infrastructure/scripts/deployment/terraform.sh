# The infrastructure: plan, apply, destroy; and what the chart must know of it.
# shellcheck shell=bash

PLAN=deployment.tfplan
# What runs and costs, and can be made again. Buckets, keys, databases, secrets and images stay.
DESTROYED=(
  module.stack.module.access
  module.stack.module.cluster
  module.stack.module.emergency
  module.stack.module.observability
  module.stack.module.network.aws_nat_gateway.this
  module.stack.module.network.aws_vpc_endpoint.interface
)

initialise_terraform() {
  begin "Terraform" "Look at backend.hcl: the bucket of the state must exist (docs/infrastructure.md)."
  run terraform "-chdir=$TERRAFORM" init -input=false -backend-config=backend.hcl
  umask 077
  run mkdir -p "$FOLDER"
  write_outputs
  $IS_DRY_RUN || check_region
}

write_outputs() {
  run terraform "-chdir=$TERRAFORM" output -json '>' "$OUTPUTS"
}

# One environment has one state: another region would replace everything.
check_region() {
  local deployed
  deployed=$(python3 "$DOCUMENTS" region "$OUTPUTS")
  [[ -z $deployed || $deployed == "$REGION" ]] ||
    fail "$ENVIRONMENT is deployed in $deployed: name that region, or move it by hand (docs/deploy.md)"
}

plan_infrastructure() {
  begin "Plan" "Nothing was changed. Correct the files in $TERRAFORM."
  run terraform "-chdir=$TERRAFORM" plan -input=false -var "region=$REGION" "-out=$PLAN"
}

confirm_plan() {
  [[ -z $ACTION ]] && ! $IS_DRY_RUN || return 0
  ADVICE="Nothing was changed."
  confirm "Apply this plan to $ENVIRONMENT and deploy?"
}

# confirm QUESTION: ends the script unless the answer is the name of the environment.
confirm() {
  local answer=""
  printf '\n%s Type %s: ' "$1" "$ENVIRONMENT" >&3
  read -r answer || true
  [[ $answer == "$ENVIRONMENT" ]] || fail "not confirmed"
}

apply_infrastructure() {
  begin "Apply" "Read Terraform's message above. What was made is in its state."
  run terraform "-chdir=$TERRAFORM" apply -input=false "$PLAN"
  run rm -f "$TERRAFORM/$PLAN"
}

write_environment() {
  begin "Environment" "Terraform's outputs could not be read: terraform -chdir=$TERRAFORM output"
  write_outputs
  run python3 "$DOCUMENTS" environment "$OUTPUTS" '>' "$FOLDER/environment"
}

# output NAME: one output of Terraform.
output() {
  if $IS_DRY_RUN; then
    printf '<%s>\n' "$1"
  else
    python3 "$DOCUMENTS" output "$OUTPUTS" "$1"
  fi
}

destroy() {
  begin "Destroy" "Give the same command again: what is gone already is not asked for again."
  if ! $IS_DRY_RUN; then
    confirm "Remove everything that runs in $ENVIRONMENT? Buckets, keys, databases and secrets stay."
  fi
  uninstall_chart
  begin "Destroy the infrastructure" "Read Terraform's message above."
  run terraform "-chdir=$TERRAFORM" plan -destroy -input=false -var "region=$REGION" "-out=$PLAN" \
    "${DESTROYED[@]/#/-target=}"
  run terraform "-chdir=$TERRAFORM" apply -input=false "$PLAN"
  run rm -f "$TERRAFORM/$PLAN"
}
