// The Kubernetes control plane in one binary: the name that it is called by (a link) says which part runs.
// One binary instead of four because they share nearly all of their code: a quarter of the link time and of the disk.
package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	parts := map[string]func() *cobra.Command{
		"etcd":                    newEtcdCommand,
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllermanager.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	}
	name := filepath.Base(os.Args[0])
	part, known := parts[name]
	if !known {
		fmt.Fprintf(os.Stderr, "%s: call me etcd, kube-apiserver, kube-controller-manager or kube-scheduler\n", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(part()))
}

// newEtcdCommand serves clients on --listen-client-url and keeps its data in --data-dir, for as long as the test runs.
func newEtcdCommand() *cobra.Command {
	var dataDir, clientURL string
	command := &cobra.Command{
		Use:          "etcd",
		SilenceUsage: true,
		RunE:         func(*cobra.Command, []string) error { return runEtcd(dataDir, clientURL) },
	}
	command.Flags().StringVar(&dataDir, "data-dir", "", "directory of the database")
	command.Flags().StringVar(&clientURL, "listen-client-url", "", "URL to serve clients on")
	return command
}

func runEtcd(dataDir, clientURL string) error {
	client, err := url.Parse(clientURL)
	if err != nil {
		return err
	}
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config := embed.NewConfig()
	config.Dir = dataDir
	config.UnsafeNoFsync = true // the data dies with the test
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	return <-server.Err()
}
