import type { ActionFunctionArgs, LoaderFunctionArgs } from "react-router";

export const loader = ({ context, request }: LoaderFunctionArgs) =>
  context.cloudflare.env.API_SERVICE.fetch(`http://api/messages${new URL(request.url).search}`);

export const action = async ({ request }: ActionFunctionArgs) => {
  const form = await request.formData();
  return Response.json({ text: form.get("text") }, { status: 201 });
};
