# Emergency requests from other systems: an event on the default bus becomes a message in a queue, which the program
# reads (EMERGENCY_QUEUE_URL). What the program cannot take five times goes to a second queue, with an alarm.
#
#   aws events put-events --entries '[{"Source": "sync-platform.emergency", "DetailType": "EmergencySync",
#     "Detail": "{\"platforms\": [\"chope\"], \"reason\": \"menus are wrong\", \"priority\": \"critical\"}"}]'

resource "aws_cloudwatch_event_rule" "emergency" {
  name        = "${var.name}-emergency"
  description = "Requests for an emergency sync"
  event_pattern = jsonencode({
    source      = ["sync-platform.emergency"]
    detail-type = ["EmergencySync"]
  })
}

resource "aws_cloudwatch_event_target" "queue" {
  rule = aws_cloudwatch_event_rule.emergency.name
  arn  = aws_sqs_queue.emergency.arn

  dead_letter_config {
    arn = aws_sqs_queue.refused.arn
  }
}

resource "aws_sqs_queue" "emergency" {
  name                       = "${var.name}-emergency"
  kms_master_key_id          = var.key_arn
  message_retention_seconds  = 86400 * 4
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 1
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.refused.arn, maxReceiveCount = 5 })
}

resource "aws_sqs_queue" "refused" {
  name                      = "${var.name}-emergency-refused"
  kms_master_key_id         = var.key_arn
  message_retention_seconds = 86400 * 14
}

resource "aws_sqs_queue_policy" "this" {
  for_each  = { emergency = aws_sqs_queue.emergency, refused = aws_sqs_queue.refused }
  queue_url = each.value.url
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

data "aws_iam_policy_document" "queue" {
  for_each = { emergency = aws_sqs_queue.emergency.arn, refused = aws_sqs_queue.refused.arn }

  statement {
    sid       = "TheRuleSends"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.emergency.arn]
    }
  }

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [each.value]
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

resource "aws_cloudwatch_metric_alarm" "refused" {
  alarm_name          = "${var.name}-emergency-refused"
  alarm_description   = "critical: An emergency request could not be taken. Read the queue ${aws_sqs_queue.refused.name}."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.refused.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms_topic_arn]
}
