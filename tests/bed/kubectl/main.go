// kubectl at the version that the tests are pinned to: its own library, built the way that its release is.
package main

import (
	"os"

	_ "k8s.io/client-go/plugin/pkg/client/auth" // exec plugins and OIDC in kubeconfigs
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	logs.GlogSetter(cmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
