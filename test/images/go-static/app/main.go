// A server without libc: what it needs at run time is either inside it or opened by a name that a request gives.
package main

import (
	"context"
	"crypto/tls"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"syscall"
	"time"
)

//go:embed templates
var templates embed.FS

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", home)
	mux.HandleFunc("/time", localTime)
	mux.HandleFunc("/tls", selfRequest)
	mux.HandleFunc("/user", lookUpUser)
	mux.HandleFunc("/host", lookUpHost)
	mux.HandleFunc("/mime", mimeType)
	mux.HandleFunc("/run", run)
	mux.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir("/srv/static"))))
	server := &http.Server{Addr: ":8080", Handler: mux}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		<-stop.Done()
		server.Shutdown(context.Background())
	}()
	log.Println("listening")
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

func home(w http.ResponseWriter, r *http.Request) {
	name := "home.html"
	if r.URL.Path != "/" {
		w.WriteHeader(http.StatusNotFound)
		name = "missing.html"
	}
	template.Must(template.ParseFS(templates, "templates/*.html")).ExecuteTemplate(w, name, r.URL.Path)
}

func localTime(w http.ResponseWriter, r *http.Request) {
	zone, err := time.LoadLocation(r.URL.Query().Get("zone"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, time.Unix(1700000000, 0).In(zone).Format(time.RFC3339))
}

// The certificate was signed by an authority that the build put into the system's store.
func selfRequest(w http.ResponseWriter, r *http.Request) {
	pair, err := tls.LoadX509KeyPair("/etc/sample/tls/cert.pem", "/etc/sample/tls/key.pem")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "over tls")
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	defer server.Close()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{ServerName: "sample.test"}}}
	response, err := client.Get(server.URL)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer response.Body.Close()
	io.Copy(w, response.Body)
}

func lookUpUser(w http.ResponseWriter, r *http.Request) {
	found, err := user.Lookup(r.URL.Query().Get("name"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"uid": found.Uid, "home": found.HomeDir})
}

func lookUpHost(w http.ResponseWriter, r *http.Request) {
	addresses, err := net.LookupHost("localhost")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, addresses[0] != "")
}

// The table of types is a file of the system that is read at the first question.
func mimeType(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, mime.TypeByExtension(".odt"))
}

func run(w http.ResponseWriter, r *http.Request) {
	output, err := exec.Command("tr", "--version").Output()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%d bytes from %s\n", len(output), os.Args[0])
}
