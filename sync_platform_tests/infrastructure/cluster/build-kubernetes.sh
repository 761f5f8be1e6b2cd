#!/bin/sh
# Builds Kubernetes 1.20 from Debian's source, for test_cluster*.py, and a program that waits, the first of each pod.
# Once, about MINUTES minutes of processor time. It needs Debian 12, root for apt-get, and 3 GB of disk for a while.
#
#   sync_platform_tests/infrastructure/cluster/build-kubernetes.sh [FOLDER]
#
# FOLDER is where the tests look: $KUBERNETES_BINARIES, or ~/.cache/sync-platform-tests/kubernetes.
set -eu
folder=$(realpath -m "${1:-${KUBERNETES_BINARIES:-$HOME/.cache/sync-platform-tests/kubernetes}}")
version='1.20.5+really1.20.2-1.1+deb12u1'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

apt-get install -y --no-install-recommends golang-1.19-go golang-github-modern-go-reflect2-dev dpkg-dev etcd-server
# sources of Debian 12, beside what the machine has
mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb-src [signed-by=$keys] http://deb.debian.org/debian bookworm main" > "$work/apt/sources.list"
apt_source() {
  apt-get -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=- \
    -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o APT::Sandbox::User=root "$@"
}
cd "$work"
apt_source update
apt_source source "kubernetes=$version"

# The source has the libraries, and no module files: it is built the old way, in a GOPATH.
export GOPATH="$work/go" GOCACHE="$work/cache" GO111MODULE=off CGO_ENABLED=0 PATH="/usr/lib/go-1.19/bin:$PATH"
mkdir -p "$GOPATH/src/k8s.io"
mv kubernetes-*/ "$GOPATH/src/k8s.io/kubernetes"
cd "$GOPATH/src/k8s.io/kubernetes"
# the source's own copy is older than Go 1.18, with which it crashes now and then
rm -r vendor/github.com/modern-go/reflect2
cp -rL /usr/share/gocode/src/github.com/modern-go/reflect2 vendor/github.com/modern-go/
go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
described=$(cd staging/src && for each in api apimachinery apiserver apiextensions-apiserver kube-aggregator component-base \
  metrics kubelet kube-proxy kube-scheduler kube-controller-manager cloud-provider kubectl; do
    grep -rlE '\+k8s:openapi-gen=true' --include=*.go "k8s.io/$each" | grep -v _test
  done | xargs -n1 dirname | sort -u | sed 's#^#k8s.io/kubernetes/vendor/#' | paste -sd,)
"$work/openapi-gen" -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt -i "$described" \
  -p k8s.io/kubernetes/pkg/generated/openapi --output-base "$GOPATH/src" -r "$work/violations"
mkdir -p "$folder"
for each in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet; do
  go build -ldflags '-s -w' -o "$folder/" "./cmd/$each"
done
mkdir "$work/pause"
cat > "$work/pause/main.go" <<'GO'
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
}
GO
go build -ldflags '-s -w' -o "$folder/pause" "$work/pause/main.go"
ls -l "$folder"
