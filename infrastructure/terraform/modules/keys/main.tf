# KMS keys, one per purpose, so that access to one kind of data gives no access to another.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  purposes = {
    data     = "the lake's files and landed pages"
    backups  = "backups, and the backup of the vault"
    vault    = "the master key of the vault: who loses it loses every personal value"
    database = "the databases"
    disks    = "the disks of the cluster's machines"
    logs     = "log groups"
    messages = "alerts and emergency requests on their way"
    secrets  = "secrets, and the secrets of Kubernetes"
  }
  autoscaling_role_arn = "arn:aws:iam::${local.account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

  # Keys that the standby region needs too.
  shared = toset(["backups", "vault"])
  # Services that encrypt with a key on behalf of an allowed caller.
  services = {
    logs = {
      principals = ["logs.${data.aws_region.current.region}.amazonaws.com"]
      test       = "ArnLike"
      variable   = "kms:EncryptionContext:aws:logs:arn"
      of         = "arn:aws:logs:${data.aws_region.current.region}:${local.account}:*"
    }
    messages = {
      principals = ["sns.amazonaws.com", "events.amazonaws.com", "cloudwatch.amazonaws.com"]
      test       = "StringEquals"
      variable   = "aws:SourceAccount"
      of         = local.account
    }
  }
}

resource "aws_kms_key" "this" {
  for_each                = local.purposes
  description             = "sync-platform ${var.environment}: ${each.value}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  multi_region            = contains(local.shared, each.key)
  policy                  = data.aws_iam_policy_document.key[each.key].json

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  for_each      = local.purposes
  name          = "alias/${var.name}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:in the policy of a key, the resource * is the key itself
  #checkov:skip=CKV_AWS_111:in the policy of a key, the resource * is the key itself
  #checkov:skip=CKV_AWS_356:in the policy of a key, the resource * is the key itself
  for_each = local.purposes

  # The account's policies decide; a key without this statement cannot be administered any more.
  statement {
    sid       = "AccountDecides"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
  }

  # Deleting the key of the vault erases every person: only the named roles may ask for it.
  dynamic "statement" {
    for_each = each.key == "vault" ? [1] : []
    content {
      sid       = "FewMayDelete"
      effect    = "Deny"
      actions   = ["kms:ScheduleKeyDeletion", "kms:DisableKey"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = ["*"]
      }
      condition {
        test     = "ArnNotLike"
        variable = "aws:PrincipalArn"
        values   = var.vault_key_owners
      }
    }
  }

  # The service that starts the cluster's machines encrypts their disks. Its role must exist: docs/infrastructure.md.
  dynamic "statement" {
    for_each = each.key == "disks" ? [1] : []
    content {
      sid       = "MachinesEncryptDisks"
      actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [local.autoscaling_role_arn]
      }
    }
  }

  dynamic "statement" {
    for_each = each.key == "disks" ? [1] : []
    content {
      sid       = "MachinesAttachDisks"
      actions   = ["kms:CreateGrant"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [local.autoscaling_role_arn]
      }
      condition {
        test     = "Bool"
        variable = "kms:GrantIsForAWSResource"
        values   = ["true"]
      }
    }
  }

  dynamic "statement" {
    for_each = contains(keys(local.services), each.key) ? [local.services[each.key]] : []
    content {
      sid       = "ServicesEncrypt"
      actions   = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"]
      resources = ["*"]
      principals {
        type        = "Service"
        identifiers = statement.value.principals
      }
      condition {
        test     = statement.value.test
        variable = statement.value.variable
        values   = [statement.value.of]
      }
    }
  }
}
