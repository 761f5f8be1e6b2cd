# One topic for all alerts. Each message has the attribute `severity`; a subscription filters by it.

resource "aws_sns_topic" "alerts" {
  name              = "${var.name}-alerts"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = data.aws_iam_policy_document.alerts.json
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "alerts" {
  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn]
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

  statement {
    sid       = "AlarmsPublish"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

# Alarms of CloudWatch have no attributes, so they go to a topic of their own, which everybody on call receives.
resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = replace(data.aws_iam_policy_document.alerts.json, aws_sns_topic.alerts.arn, aws_sns_topic.alarms.arn)
}

locals {
  subscriptions = merge([
    for severity, receivers in var.receivers : {
      for receiver in receivers : "${severity} ${receiver.endpoint}" => merge(receiver, { severity = severity })
    }
  ]...)
}

resource "aws_sns_topic_subscription" "alerts" {
  for_each            = local.subscriptions
  topic_arn           = aws_sns_topic.alerts.arn
  protocol            = each.value.protocol
  endpoint            = each.value.endpoint
  filter_policy_scope = "MessageAttributes"
  filter_policy       = jsonencode({ severity = [each.value.severity] })
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each  = { for receiver in lookup(var.receivers, "critical", []) : receiver.endpoint => receiver }
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = each.value.protocol
  endpoint  = each.value.endpoint
}
