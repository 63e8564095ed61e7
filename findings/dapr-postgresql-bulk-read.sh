#!/usr/bin/env bash
# dapr/components-contrib 1.18.3, state.postgresql v2: a read of three keys that exist, during which the server reaches its
# statement timeout and says so after two rows.
#
# Guess: an error, of the whole read or of the keys that were not read.
# True:  no error. The keys that were not read are reported as absent, as if they had never been written. The same holds for
#        a lost connection, and version 1 of the component has the same code.
source "$(dirname "$0")/lib/check.sh"

need go
cd "$TEMP"
cat >main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"strings"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	postgresql "github.com/dapr/components-contrib/state/postgresql/v2"
	"github.com/dapr/kit/logger"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Object ids of PostgreSQL's types.
const text, bytea, uuid, timestamptz, textArray = 25, 17, 2950, 1184, 1009

var keys = []string{"a", "b", "c"}

// How many rows the server sends before it reaches its statement timeout.
var rowsInTime = len(keys)

// serve answers a connection of the component like a PostgreSQL server that has the three keys and an up-to-date schema.
func serve(conn net.Conn) {
	server := pgproto3.NewBackend(conn, conn)
	if _, err := server.ReceiveStartupMessage(); err != nil {
		log.Fatal(err)
	}
	server.Send(&pgproto3.AuthenticationOk{})
	status, query, formats := byte('I'), "", []int16(nil)
	ready := func() { server.Send(&pgproto3.ReadyForQuery{TxStatus: status}) }
	ready()
	for server.Flush() == nil {
		message, err := server.Receive()
		if err != nil {
			return
		}
		switch message := message.(type) {
		case *pgproto3.Query:
			switch message.String {
			case "begin":
				status = 'T'
			case "rollback":
				status = 'I'
			}
			server.Send(&pgproto3.CommandComplete{CommandTag: []byte(strings.ToUpper(message.String))})
			ready()
		case *pgproto3.Parse:
			query = message.Query
			server.Send(&pgproto3.ParseComplete{})
		case *pgproto3.Bind:
			formats = message.ResultFormatCodes
			server.Send(&pgproto3.BindComplete{})
		case *pgproto3.Describe:
			if message.ObjectType == 'S' {
				server.Send(&pgproto3.ParameterDescription{ParameterOIDs: parametersOf(query)})
				formats = nil
			}
			describe(server, query, formats)
		case *pgproto3.Execute:
			execute(server, query)
		case *pgproto3.Close:
			server.Send(&pgproto3.CloseComplete{})
		case *pgproto3.Sync:
			ready()
		}
	}
}

func isBulkRead(query string) bool { return strings.Contains(query, "ANY($1)") }
func isMetadata(query string) bool { return strings.HasPrefix(query, "SELECT value FROM") }

func parametersOf(query string) []uint32 {
	if isBulkRead(query) {
		return []uint32{textArray}
	}
	return []uint32{text, text, text}[:strings.Count(query, "$")]
}

func describe(server *pgproto3.Backend, query string, formats []int16) {
	columns := map[bool][]uint32{isBulkRead(query): {text, bytea, uuid, timestamptz}, isMetadata(query): {text}}[true]
	if columns == nil {
		server.Send(&pgproto3.NoData{})
		return
	}
	row := &pgproto3.RowDescription{}
	for i, oid := range columns {
		field := pgproto3.FieldDescription{Name: []byte("column"), DataTypeOID: oid, DataTypeSize: -1, TypeModifier: -1}
		if formats != nil {
			field.Format = formats[i]
		}
		row.Fields = append(row.Fields, field)
	}
	server.Send(row)
}

func execute(server *pgproto3.Backend, query string) {
	if isMetadata(query) {
		// The newest version of the schema, so there is nothing to migrate.
		server.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("99")}})
	}
	if isBulkRead(query) {
		for _, key := range keys[:rowsInTime] {
			server.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(key), []byte(`"stored"`), make([]byte, 16), nil}})
		}
		if rowsInTime < len(keys) {
			timeout := "canceling statement due to statement timeout"
			server.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "57014", Message: timeout})
			return
		}
	}
	server.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				log.Fatal(err)
			}
			go serve(conn)
		}
	}()

	quiet := logger.NewLogger("finding")
	quiet.SetOutputLevel(logger.FatalLevel)
	store := postgresql.NewPostgreSQLStateStore(quiet)
	address := listener.Addr().(*net.TCPAddr)
	settings := metadata.Base{Properties: map[string]string{
		"connectionString": fmt.Sprintf("host=%s port=%d user=user dbname=state sslmode=disable", address.IP, address.Port),
		"cleanupInterval":  "0",
	}}
	ctx := context.Background()
	if err := store.Init(ctx, state.Metadata{Base: settings}); err != nil {
		log.Fatal(err)
	}
	for _, rowsInTime = range []int{3, 2, 0} {
		var requests []state.GetRequest
		for _, key := range keys {
			requests = append(requests, state.GetRequest{Key: key})
		}
		items, err := store.BulkGet(ctx, requests, state.BulkGetOpts{})
		fmt.Printf("timeout after %d of 3 rows: error %v", rowsInTime, err)
		for _, item := range items {
			value := string(item.Data)
			if item.Data == nil && item.ETag == nil {
				value = "absent"
			}
			fmt.Printf(", %s: %s%s", item.Key, value, item.Error)
		}
		fmt.Println()
	}
}
EOF
logged go mod init finding
logged go get github.com/dapr/components-contrib/state/postgresql/v2@v1.18.3 github.com/jackc/pgx/v5@v5.7.4
logged go build -o finding .
expect ./finding <<'EOF'
timeout after 3 of 3 rows: error <nil>, a: "stored", b: "stored", c: "stored"
timeout after 2 of 3 rows: error <nil>, a: "stored", b: "stored", c: absent
timeout after 0 of 3 rows: error <nil>, a: absent, b: absent, c: absent
EOF
holds 'a read of several keys that the server cuts off reports existing keys as absent, without an error'
