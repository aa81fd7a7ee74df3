// The External Secrets controllers, built from their own module: their images cannot be pulled everywhere.
package main

import "github.com/external-secrets/external-secrets/cmd/controller"

func main() {
	controller.Execute()
}
