// Package page shows every connection as HTML: its status, whom it waits for, what drifted, and what an operator does next. It is
// what a CloudWatch custom widget displays, and the embedded cloud serves the same.
//
// AWS: a custom widget is a Lambda function that answers with HTML. JavaScript is removed from it, CSS and links are not:
// docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html.
package page
