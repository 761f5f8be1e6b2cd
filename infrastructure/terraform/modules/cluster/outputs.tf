output "name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "security_group_id" {
  description = "Security group of the nodes and pods."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "issuer_arn" {
  description = "The identity provider by which pods get roles."
  value       = aws_iam_openid_connect_provider.this.arn
}

output "issuer" {
  description = "Address of the identity provider, without https://."
  value       = replace(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://", "")
}
