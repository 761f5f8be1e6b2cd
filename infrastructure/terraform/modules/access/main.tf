# Roles of the pods. `runs` syncs, backs up and restores, also for the API, whose jobs run in the pods of the server;
# `services` are the daemon, the code server and the watch, which read, take emergency requests and send alerts, but
# change no data. Each policy is one file below policies/; a test runs the program as each role, takes each action away
# in turn, and something must fail.
#
# What looks wider than it must be:
# - The resource * stands only where CloudWatch knows no other. The namespace limits what is written.
# - s3:ListBucket has no prefix: without it, S3 answers that an object is forbidden where it does not exist.
# - The keys of buckets, topics and queues are used by these services on behalf of a role, and by it alone never.
# No pod reads Secrets Manager: whoever deploys copies the values into secrets of Kubernetes.

locals {
  # the service accounts of the chart (infrastructure/helm/sync-platform) that have each role
  accounts = {
    runs     = ["runs", "server"]
    services = ["code-server", "daemon", "watch"]
  }
  policies = {
    for role in keys(local.accounts) : role => templatefile("${path.module}/policies/${role}.json.tftpl", {
      region                  = var.region
      standby_region          = var.standby_region
      data_bucket_arn         = var.bucket_arns["data"]
      backup_bucket_arn       = var.bucket_arns["backup"]
      vault_backup_bucket_arn = var.bucket_arns["vault-backup"]
      data_key_arn            = var.key_arns["data"]
      backups_key_arn         = var.key_arns["backups"]
      vault_key_arn           = var.key_arns["vault"]
      vault_backup_key_arn    = var.key_arns["vault-backup"]
      messages_key_arn        = var.key_arns["messages"]
      alerts_topic_arn        = var.alerts_topic_arn
      emergency_queue_arn     = var.emergency_queue_arn
    })
  }
}

resource "aws_iam_role" "this" {
  for_each             = local.policies
  name                 = "${var.name}-${each.key}"
  description          = "Pods of ${var.namespace}: ${join(", ", local.accounts[each.key])}"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 43200
}

resource "aws_iam_role_policy" "this" {
  #checkov:skip=CKV_AWS_355:CloudWatch knows no resource for its metrics; the namespace limits what is written
  for_each = local.policies
  name     = each.key
  role     = aws_iam_role.this[each.key].id
  policy   = each.value
}

data "aws_iam_policy_document" "trust" {
  for_each = local.policies
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [var.issuer_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${var.issuer}:sub"
      values   = [for account in local.accounts[each.key] : "system:serviceaccount:${var.namespace}:sync-platform-${account}"]
    }
    condition {
      test     = "StringEquals"
      variable = "${var.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}
