output "url" {
  description = "Address that the image is pushed to."
  value       = aws_ecr_repository.this.repository_url
}
