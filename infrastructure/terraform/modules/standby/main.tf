# What the standby region has: the replica of the backups, the only backup of the vault, and the keys that open both.
# The vault's backup has no versions: an erased person's key must be gone from it. It is here and not beside the vault,
# so that the loss of one region never takes both.

locals {
  keys = { for purpose in ["backups", "vault"] : purpose => var.primary_key_arns[purpose] }
  buckets = {
    backup-replica = { purpose = "replica of the backups", versioned = true }
    vault-backup   = { purpose = "backup of the vault", versioned = false }
  }
}

resource "aws_kms_replica_key" "this" {
  for_each                = local.keys
  description             = "sync-platform, standby: ${each.key}"
  primary_key_arn         = each.value
  deletion_window_in_days = 30
  policy                  = var.key_policies[each.key]
}

resource "aws_kms_alias" "this" {
  for_each      = local.keys
  name          = "alias/${var.name}-${each.key}"
  target_key_id = aws_kms_replica_key.this[each.key].key_id
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_21:the backup of the vault has no versions: an erased person's key must be gone
  #checkov:skip=CKV_AWS_144:these buckets are the copies in the other region
  #checkov:skip=CKV_AWS_18:the trail of the account logs their data events
  #checkov:skip=CKV2_AWS_62:nothing waits for events of these buckets
  for_each            = local.buckets
  bucket              = "${var.name}-${each.key}"
  object_lock_enabled = each.key == "backup-replica"
  tags                = { purpose = each.value.purpose }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_replica_key.this["backups"].arn
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = { for name, bucket in local.buckets : name => bucket if bucket.versioned }
  bucket   = aws_s3_bucket.this[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "replica" {
  bucket = aws_s3_bucket.this["backup-replica"].id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.backup_lock_days
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  dynamic "rule" {
    for_each = each.value.versioned ? [1] : []
    content {
      id     = "deleted-versions"
      status = "Enabled"
      filter {}
      noncurrent_version_expiration {
        noncurrent_days = var.backup_lock_days
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  policy   = data.aws_iam_policy_document.bucket[each.key].json
}

data "aws_iam_policy_document" "bucket" {
  for_each = local.buckets

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
