# The image: built from the commit that is checked out, and pushed under its version and commit, once.
# shellcheck shell=bash

push_image() {
  local repository pushed builder=${BUILDER:-docker}
  begin "Image" "Commit or undo your changes, or look at the message of $builder above. Nothing new runs yet."
  repository=$(output image_repository)
  TAG=$VERSION-$(output_of "<commit>" git rev-parse --short=12 HEAD)
  pushed=$(output_of "" aws ecr list-images --region "$REGION" --repository-name "${repository#*/}" \
    --query "imageIds[?imageTag=='$TAG'].imageTag" --output text)
  if [[ -n $pushed ]]; then
    say "$repository:$TAG is in the registry already"
    return
  fi
  note "where it is not in the registry yet"
  require_committed
  run make image "BUILDER=$builder" "IMAGE_OPTIONS=${IMAGE_OPTIONS:-}"
  run "$builder" tag "sync-platform:$VERSION" "$repository:$TAG"
  run aws ecr get-login-password --region "$REGION" \
    '|' "$builder" login --username AWS --password-stdin "${repository%%/*}"
  run "$builder" push "$repository:$TAG"
}

require_committed() {
  local changed
  changed=$(output_of "" git status --porcelain -- sync_platform Dockerfile pyproject.toml requirements-fleet.lock)
  [[ -z $changed ]] || fail "these changes are not committed, and the image is named by its commit:" "$changed"
}
